import type { PlacementRequest } from '@berth/scheduling/request.js';
import { demandAt, type Workload } from '../demand/workload.js';

/** What the run knows of each instance, by slot. Demand is a straight line from one sample to the next. */
export class InstanceTable {
  readonly requests: readonly PlacementRequest[];
  /** Where its CPU is used now; -1: nowhere. */
  readonly host: Int32Array;
  /** Where it is booked: the target while it moves. */
  readonly node: Int32Array;
  readonly moving: Uint8Array;
  readonly demandCpuMillis: Float64Array;
  readonly slope: Float64Array;
  readonly placedS: Float64Array;
  readonly seconds: Float64Array;
  private readonly base: Float64Array;
  private baseS = 0;

  constructor(private readonly workload: Workload) {
    const count = workload.instances.length;
    this.requests = workload.instances.map((instance) => ({ ...requestOf(instance), priority: 0 }));
    this.host = new Int32Array(count).fill(-1);
    this.node = new Int32Array(count).fill(-1);
    this.moving = new Uint8Array(count);
    this.demandCpuMillis = new Float64Array(count);
    this.slope = new Float64Array(count);
    this.placedS = new Float64Array(count);
    this.seconds = new Float64Array(count);
    this.base = new Float64Array(count);
  }

  /** A sample is reached: demand goes straight to the next one. */
  tick(timeS: number, running: Iterable<number>): void {
    this.baseS = timeS;
    for (const instance of running) this.sample(instance);
  }

  /** An instance begins between two samples, or at one. */
  begin(instance: number): void {
    this.sample(instance);
  }

  demandAt(instance: number, timeS: number): number {
    return this.base[instance]! + this.slope[instance]! * (timeS - this.baseS);
  }

  /** Readings for the consolidator. */
  readAll(timeS: number, running: Iterable<number>): void {
    for (const instance of running) this.demandCpuMillis[instance] = this.demandAt(instance, timeS);
  }

  /** Integral of an instance's demand over a stretch within one sample. */
  demandOver(instance: number, fromS: number, toS: number): number {
    return ((this.demandAt(instance, fromS) + this.demandAt(instance, toS)) / 2) * (toS - fromS);
  }

  private sample(instance: number): void {
    const { sampleS, instances } = this.workload;
    const index = Math.round(this.baseS / sampleS);
    const now = demandAt(instances[instance]!, index);
    this.base[instance] = now;
    this.slope[instance] = (demandAt(instances[instance]!, index + 1) - now) / sampleS;
  }
}

function requestOf({ id, project, cpuMillis, memoryMib, diskGib }: Workload['instances'][number]) {
  return { id, project, cpuMillis, memoryMib, diskGib };
}
