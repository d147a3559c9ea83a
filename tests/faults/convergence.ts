import type { Database } from '@berth/database/database.js';
import type { Asked } from './fault-client.js';
import type { Guests } from './guests.js';

/** What is still on its way, or never came (P2, P10). */
const unsettled = `
SELECT 'P2: ' || o.kind || ' of ' || coalesce(i.name, o.node_id::text) || ' is still ' || o.state || ' at ' || o.stage
       AS missing
FROM operation o LEFT JOIN instance i ON i.id = o.instance_id WHERE o.ended_at IS NULL
UNION ALL
SELECT 'P10: ' || name || ' is ' || state || ' (' || coalesce(reason, '') || '), wanted ' || desired_state
FROM instance WHERE state <> desired_state AND state <> 'failed'
UNION ALL
SELECT 'P10: node ' || name || ' is ' || state FROM node WHERE state <> 'up'`;

/** What a terminal instance may not hold (P6). */
const leaks = `
SELECT 'P6: vmm ' || v.id || ' of ' || i.name || ' is ' || v.state AS missing
FROM vmm v JOIN instance i ON i.id = v.instance_id
WHERE v.state <> 'gone' AND i.state IN ('deleted', 'stopped', 'failed')
UNION ALL
SELECT 'P6: ' || i.name || ' is ' || i.state || ' and holds a reservation' FROM reservation r
JOIN instance i ON i.id = r.instance_id
WHERE r.state <> 'released' AND i.state IN ('deleted', 'stopped', 'failed')`;

export interface Settled {
  readonly database: Database;
  readonly guests: Guests;
  readonly client: { readonly asked: readonly Asked[] };
}

/** Everything that keeps the system from being as it was asked to be; empty: it has converged. */
export async function missing({ database, guests, client }: Settled): Promise<string[]> {
  const rows = await database.query<{ missing: string }>(`${unsettled} UNION ALL ${leaks}`);
  return [
    ...rows.map((row) => row.missing),
    ...(await brokenAnswers(database, client.asked)),
    ...(await wrongGuests(database, guests)),
  ];
}

/** P1 and P7: what was answered is there, once; each operation ended. */
async function brokenAnswers(database: Database, asked: readonly Asked[]): Promise<string[]> {
  const names = asked.map(({ name }) => name);
  const rows = await database.query<{ id: string; name: string; wanted: string }>(
    'SELECT id, name, desired_state AS wanted FROM instance WHERE name = ANY($1)',
    [names],
  );
  const idsOf = new Map<string, string[]>();
  const wantedOf = new Map(rows.map(({ id, wanted }) => [id, wanted]));
  for (const { id, name } of rows) idsOf.set(name, [...(idsOf.get(name) ?? []), id]);
  const operations = await database.query<{ id: string }>('SELECT id FROM operation WHERE id = ANY($1::uuid[])', [
    asked.flatMap(({ operationIds }) => [...operationIds]),
  ]);
  const kept = new Set(operations.map(({ id }) => id));
  return asked.flatMap((one) => {
    const ids = idsOf.get(one.name) ?? [];
    const [told, ...others] = one.instanceIds;
    return [
      ...(others.length > 0 ? [`P7: ${one.name} was answered as ${[...one.instanceIds].join(' and ')}`] : []),
      ...(ids.length > 1 ? [`P7: ${one.name} exists as ${ids.join(' and ')}`] : []),
      ...(told !== undefined && !wantedOf.has(told)
        ? [`P1: ${one.name} was accepted as ${told} and is not there`]
        : []),
      ...(told !== undefined && (wantedOf.get(told) ?? one.wanted) !== one.wanted
        ? [`P1: ${one.name} was asked to be ${one.wanted}, the record has ${wantedOf.get(told)}`]
        : []),
      ...[...one.operationIds].flatMap((id) =>
        kept.has(id) ? [] : [`P1: operation ${id} of ${one.name} is not there`],
      ),
    ];
  });
}

/** P5: the record has running what runs, and nothing else does. */
async function wrongGuests(database: Database, guests: Guests): Promise<string[]> {
  const rows = await database.query<{ id: string }>(`SELECT id FROM vmm WHERE state = 'running' AND driver <> 'model'`);
  const recorded = new Set(rows.map(({ id }) => id));
  const live = new Set((await guests.live()).map(({ vmmId }) => vmmId));
  return [
    ...[...recorded].flatMap((id) => (live.has(id) ? [] : [`P5: vmm ${id} is shown as running, and no process is`])),
    ...[...live].flatMap((id) => (recorded.has(id) ? [] : [`P6: vmm ${id} runs, and the record has it not running`])),
    ...(await guests.doubles()),
  ];
}
