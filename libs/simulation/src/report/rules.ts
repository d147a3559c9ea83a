import type { Fleet, NodeKind } from '../fleet/fleet.js';
import type { MigrationModel } from '../power/migration.js';

export interface RuleFacts {
  readonly fleet: Fleet;
  readonly migration: MigrationModel;
  readonly decideEveryS: number;
  readonly failuresPerNodeYear: number;
  readonly enforcesMemory: boolean;
}

/** The rules a run was held to, as sentences for the report. */
export function rulesInForce(facts: RuleFacts): string[] {
  const { migration, fleet, decideEveryS, failuresPerNodeYear, enforcesMemory } = facts;
  const kinds = [...new Set(fleet.nodes)];
  return [
    'Every instance is kept for as long as its trace says; the run stops when one is lost.',
    'Every interval is charged, also those that begin without load.',
    `A node that starts takes ${list(kinds, (k) => `${k.startS} s`)} at peak power and no instance before.`,
    'Nodes needed at time zero are up, and charged one start each.',
    `A node that is off draws ${list(kinds, (k) => (k.standbyWatts === 0 ? 'nothing' : `${k.standbyWatts} W`))}.`,
    `A migration copies memory at ${migration.bandwidthMibPerS} MiB/s.`,
    `Meanwhile ${migration.lossShare * 100} % of the instance's CPU is lost.`,
    `Its target carries ${migration.targetShare * 100} % of its demand besides.`,
    'Energy and time in overload are exact integrals of demand that goes in straight lines between samples.',
    'SLATAH is the share of active node time in which demand, migration overhead included, passes the CPU of a node.',
    'slatahWithMigration counts a node as degraded while an instance leaves it, too.',
    'A node shares its CPU as a whole: limits of single cores are not modelled.',
    `The policy reads present demand each ${decideEveryS} s and never looks ahead.`,
    enforcesMemory
      ? 'Memory bounds what a node holds.'
      : 'Memory does not bound what a node holds, as in the published benchmark.',
    failuresPerNodeYear > 0
      ? `Nodes fail ${failuresPerNodeYear} times a year; their instances start again elsewhere.`
      : 'No node fails.',
  ];
}

function list(kinds: readonly NodeKind[], of: (kind: NodeKind) => string): string {
  const texts = [...new Set(kinds.map(of))];
  return texts.length === 1 ? texts[0]! : kinds.map((kind) => `${of(kind)} (${kind.name})`).join(', ');
}
