import type { Session } from './session.js';

const lock = `SELECT id FROM instance WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE`;

/**
 * First statement of every transaction that changes what belongs to instances: their operations, vmms and reservations
 * then stand still, and as everybody begins with it, in one order, nobody waits in a circle. Node rows come last, in
 * order too.
 */
export async function lockInstances(on: Session, ids: Iterable<string>): Promise<void> {
  await on.query(lock, [[...new Set(ids)]]);
}
