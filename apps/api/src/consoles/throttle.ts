import { Transform, type TransformCallback } from 'node:stream';

/** Lets bytes through at a bounded rate, and holds back whoever writes more: nothing is lost. */
export class Throttle extends Transform {
  private freeAtMs = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly bytesPerSecond: number) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const nowMs = performance.now();
    const waitMs = Math.max(0, this.freeAtMs - nowMs);
    this.freeAtMs = nowMs + waitMs + (chunk.length / this.bytesPerSecond) * 1000;
    if (waitMs === 0) return done(null, chunk);
    this.timer = setTimeout(() => done(null, chunk), waitMs);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.timer);
    done(error);
  }
}
