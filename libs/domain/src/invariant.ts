/** Stays on in production: a broken invariant must stop the step, not travel. */
export function invariant(condition: unknown, why: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${why}`);
}
