import { operationDeadlineMs } from '@berth/domain/limits.js';
import { ProblemError } from '@berth/domain/problem.js';
import { Batches } from './batches.js';
import { answerOf, noAccess, type AcceptedCreate, type CreateRequest } from './create-request.js';
import type { Database } from './database.js';
import type { Session } from './session.js';
import { iso } from './text.js';

/** Why a batch was not accepted; the transaction is undone. */
class Refused extends Error {
  constructor(readonly why: 'key-used' | 'over-quota' | 'name-taken') {
    super(why);
  }
}

/**
 * Everything of a batch in one statement. It counts what it could do, and the caller undoes it when that is
 * less than asked.
 */
const accept = `
WITH asked AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb) AS a (
    id uuid, "operationId" uuid, "projectId" uuid, "tokenId" text, name text, "instanceType" text, vcpus int,
      "memoryMib" int,
    "diskGib" int, "imageId" uuid, labels jsonb, placement jsonb, "groupName" text, "restartPolicy" text,
      "onIsolation" text, ports int[], "sshKeys" text[], "userData" text, "batchSize" int,
    kind text, reason text, "clonedFromId" uuid, result jsonb)
), claimed AS (
  INSERT INTO idempotency (project_id, key, request_hash, response)
  SELECT "projectId", key, decode(hash, 'hex'), response
  FROM json_to_recordset($2::json) AS k ("projectId" uuid, key text, hash text, response json)
  ON CONFLICT DO NOTHING RETURNING 1
), charged AS (
  UPDATE quota SET used_instances = used_instances + n.instances, used_vcpus = used_vcpus + n.vcpus,
                   used_memory_mib = used_memory_mib + n.memory_mib
  FROM (SELECT "projectId", count(*) AS instances, sum(vcpus) AS vcpus, sum("memoryMib") AS memory_mib
        FROM asked GROUP BY "projectId" ORDER BY "projectId") AS n
  WHERE project_id = n."projectId" AND used_instances + n.instances <= max_instances
    AND used_vcpus + n.vcpus <= max_vcpus AND used_memory_mib + n.memory_mib <= max_memory_mib
  RETURNING 1
), made AS (
  INSERT INTO instance (id, project_id, name, instance_type, vcpus, memory_mib, disk_gib, image_id, labels, constraints,
                        group_name, restart_policy, on_isolation, ports, batch_size, desired_state, state, reason,
                        cloned_from_id)
  SELECT id, "projectId", name, "instanceType", vcpus, "memoryMib", "diskGib", "imageId", labels, placement,
    "groupName",
         "restartPolicy", "onIsolation", ports, "batchSize", 'running', 'pending', reason, "clonedFromId"
  FROM asked
  ON CONFLICT DO NOTHING RETURNING id
), seeded AS (
  INSERT INTO instance_seed (instance_id, ssh_keys, user_data)
  SELECT id, keys, "userData" FROM asked JOIN made USING (id)
  LEFT JOIN instance_seed s ON s.instance_id = "clonedFromId"
  CROSS JOIN LATERAL (SELECT coalesce(s.ssh_keys, "sshKeys") AS keys) k WHERE "userData" IS NOT NULL OR keys <> '{}'
), opened AS (
  INSERT INTO operation (id, project_id, kind, state, instance_id, stage, result, deadline_at)
  SELECT "operationId", "projectId", kind, 'pending', id, 'place', nullif(result, 'null'),
         now() + make_interval(secs => $3)
  FROM asked JOIN made USING (id)
), told AS (
  INSERT INTO event (kind, project_id, instance_id, operation_id, message, detail)
  SELECT 'InstanceAccepted', "projectId", id, "operationId", 'instance ' || name || ' accepted',
         jsonb_build_object('token', "tokenId", 'instanceType', "instanceType", 'imageId', "imageId",
                            'clonedFrom', "clonedFromId")
  FROM asked JOIN made USING (id)
)
SELECT (SELECT count(*) FROM claimed) AS claimed, (SELECT count(*) FROM charged) AS charged,
  (SELECT count(*) FROM made) AS made`;

const replay = `
SELECT request_hash AS "requestHash", response::text AS response FROM idempotency WHERE project_id = $1 AND key = $2`;

const purge = `DELETE FROM idempotency WHERE created_at < now() - make_interval(hours => $1)`;

const batchMax = 64;

/** Takes creates in: quota, idempotency key, instance, operation and event rows in one transaction, or none of them. */
export class InstanceCreationRepository<P extends object> {
  private readonly batches: Batches<CreateRequest<P>, AcceptedCreate<P>>;

  constructor(private readonly database: Database) {
    this.batches = new Batches(
      batchMax,
      (requests) => this.acceptTogether(requests),
      (error) => error instanceof Refused,
    );
  }

  /**
   * Creates that arrive while a commit is under way share the next one: the commit's fsync holds the
   * project's quota row, so one by one they would be as slow as the disk. A batch of which one is refused is
   * undone, and each is tried by itself.
   * @throws ProblemError `quota-exceeded`, `name-taken`, `idempotency-mismatch`
   */
  async acceptCreate(request: CreateRequest<P>): Promise<{ accepted: AcceptedCreate<P>; replayed: boolean }> {
    try {
      return { accepted: await this.batches.run(request), replayed: false };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.why === 'key-used') return { accepted: (await this.answered(request))!, replayed: true };
      throw await this.problemOf(request, error.why);
    }
  }

  /** Forgets answers that nobody may ask for again. */
  async forgetAnswers(olderThanHours: number): Promise<void> {
    await this.database.query(purge, [olderThanHours]);
  }

  private async acceptTogether(requests: readonly CreateRequest<P>[]): Promise<AcceptedCreate<P>[]> {
    const accepted = await this.database.transaction(async (on) => {
      const at = await transactionTime(on);
      const answers = requests.map((request) => answerOf(request, at));
      await this.write(on, requests, answers);
      return answers;
    });
    this.database.notify('place');
    this.database.notify('event');
    return accepted;
  }

  private async write(
    on: Session,
    requests: readonly CreateRequest<P>[],
    answers: readonly AcceptedCreate<P>[],
  ): Promise<void> {
    const asked = requests.flatMap(({ projectId, tokenId, groupName, spec, access = noAccess, source }, index) =>
      answers[index]!.instances.map(({ id, name }, nth) => ({
        ...spec,
        ...access,
        id,
        name,
        projectId,
        tokenId,
        groupName,
        batchSize: answers[index]!.instances.length,
        operationId: answers[index]!.operations[nth]!.id,
        kind: answers[index]!.operations[nth]!.kind,
        result: answers[index]!.operations[nth]!.result,
        reason: answers[index]!.instances[nth]!.reason,
        clonedFromId: source?.instanceId ?? null,
      })),
    );
    const keys = requests.flatMap(({ projectId, idempotency }, index) =>
      idempotency === null
        ? []
        : [
            {
              projectId,
              key: idempotency.key,
              hash: idempotency.requestHash.toString('hex'),
              response: answers[index],
            },
          ],
    );
    const [done] = await on.query<{ claimed: number; charged: number; made: number }>(accept, [
      JSON.stringify(asked),
      JSON.stringify(keys),
      operationDeadlineMs / 1000,
    ]);
    if (done!.claimed < keys.length) throw new Refused('key-used');
    if (done!.charged < new Set(requests.map(({ projectId }) => projectId)).size) throw new Refused('over-quota');
    if (done!.made < asked.length) throw new Refused('name-taken');
  }

  /** What was answered under its key before. @throws ProblemError `idempotency-mismatch` */
  async answered({
    projectId,
    idempotency,
  }: Pick<CreateRequest<P>, 'projectId' | 'idempotency'>): Promise<AcceptedCreate<P> | undefined> {
    if (idempotency === null) return undefined;
    const { key, requestHash } = idempotency;
    const [kept] = await this.database.query<{ requestHash: Buffer; response: string }>(replay, [projectId, key]);
    if (!kept) return undefined;
    if (kept.requestHash.equals(requestHash)) return JSON.parse(kept.response) as AcceptedCreate<P>;
    throw new ProblemError({
      code: 'idempotency-mismatch',
      detail: 'the Idempotency-Key was used for a request with another body',
      next: 'use a new key for a new request',
    });
  }

  private async problemOf(request: CreateRequest<P>, why: 'over-quota' | 'name-taken'): Promise<ProblemError> {
    const { projectId, project, names, spec } = request;
    if (why === 'name-taken') {
      const [taken] = await this.database.query<{ name: string }>(takenName, [projectId, names]);
      const detail = `project ${project} has an instance ${taken?.name ?? names[0]} already`;
      return new ProblemError({ code: 'name-taken', detail, next: 'choose another name' });
    }
    const [quota] = await this.database.query<QuotaLeft>(quotaLeft, [projectId]);
    const asked = {
      instances: names.length,
      vcpus: names.length * spec.vcpus,
      memoryMib: names.length * spec.memoryMib,
    };
    const short = (['instances', 'vcpus', 'memoryMib'] as const)
      .filter((kind) => asked[kind] > (quota?.[kind] ?? 0))
      .map((kind) => `${kind}: asked ${asked[kind]}, left ${quota?.[kind] ?? 0}`);
    return new ProblemError({
      code: 'quota-exceeded',
      detail: `project ${project}: ${short.join('; ')}`,
      next: 'delete instances, or ask an admin for more',
      context: { asked, left: quota },
    });
  }
}

const takenName = `SELECT name FROM instance WHERE project_id = $1 AND name = ANY($2::text[])
  AND state <> 'deleted' LIMIT 1`;

interface QuotaLeft {
  readonly instances: number;
  readonly vcpus: number;
  readonly memoryMib: number;
}
const quotaLeft = `
SELECT max_instances - used_instances AS instances, max_vcpus - used_vcpus AS vcpus,
       max_memory_mib - used_memory_mib AS "memoryMib" FROM quota WHERE project_id = $1`;

/** `now()` of the transaction: what the rows it writes will say. */
async function transactionTime(on: Session): Promise<string> {
  const [row] = await on.query<{ at: string }>(`SELECT ${iso('now()::timestamptz(3)')} AS at`);
  return row!.at;
}
