/** Rate limits, a bucket per key: `burst` at once, `perSecond` for ever. Forgets the keys it has not seen longest. */
export class TokenBuckets {
  private readonly buckets = new Map<string, { left: number; atMs: number }>();

  constructor(
    private readonly limit: { readonly perSecond: number; readonly burst: number; readonly keysMax: number },
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Takes one; false: there is none left. */
  take(key: string): boolean {
    const left = this.left(key);
    this.buckets.delete(key);
    this.buckets.set(key, { left: left >= 1 ? left - 1 : left, atMs: this.nowMs() });
    if (this.buckets.size > this.limit.keysMax) this.buckets.delete(this.buckets.keys().next().value!);
    return left >= 1;
  }

  /** Whether `take` would get one. */
  has(key: string): boolean {
    return this.left(key) >= 1;
  }

  private left(key: string): number {
    const { perSecond, burst } = this.limit;
    const { left, atMs } = this.buckets.get(key) ?? { left: burst, atMs: this.nowMs() };
    return Math.min(burst, left + ((this.nowMs() - atMs) / 1000) * perSecond);
  }
}
