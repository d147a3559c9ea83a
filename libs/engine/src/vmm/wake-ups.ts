import type { Vmm } from './vmm.js';

/** Without an event; also how often progress is told. */
const pollMs = 100;

/** Waits for the engine's next event. One that comes while nobody waits is kept, so that none is slept through. */
export class WakeUps {
  #woken = false;
  #wake: (() => void) | undefined;
  readonly #unlisten: () => void;

  constructor(vmm: Vmm) {
    this.#unlisten = vmm.listen(() => {
      this.#woken = true;
      this.#wake?.();
    });
  }

  async next(): Promise<void> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pollMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#woken = false;
    this.#wake = undefined;
  }

  close(): void {
    this.#unlisten();
  }
}
