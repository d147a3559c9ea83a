/** The last readings of each instance, newest first. */
export class DemandHistory {
  private columns: Float64Array[] = [];
  private lengths: number[] = [];

  constructor(private readonly depth: number) {}

  read(node: Int32Array, demandCpuMillis: Float64Array): void {
    node.forEach((at, instance) => {
      if (at < 0) return;
      const column = (this.columns[instance] ??= new Float64Array(this.depth));
      column.copyWithin(1, 0);
      column[0] = demandCpuMillis[instance]!;
      this.lengths[instance] = Math.min(this.depth, (this.lengths[instance] ?? 0) + 1);
    });
  }

  of(instance: number): Float64Array {
    return this.columns[instance]?.subarray(0, this.lengths[instance] ?? 0) ?? new Float64Array(0);
  }
}
