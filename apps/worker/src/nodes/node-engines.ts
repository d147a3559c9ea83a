import { type EngineProbe, passedEngines, type ProbedEngine } from '@berth/domain/engine-probe.js';
import type { EngineDriverName } from '@berth/domain/node-state.js';
import type { EngineDriver, Observed } from '@berth/engine/driver.js';
import type { OpenedDriver } from '@berth/engine/open-driver.js';
import type { EngineProber } from './engine-prober.js';

/** Where the engines of a real node come from. */
export interface EngineSource {
  readonly prober: Pick<EngineProber, 'known' | 'again' | 'forget'>;
  readonly open: (engine: ProbedEngine) => Promise<OpenedDriver>;
  /** They hold state on this node: guests may still run under them, whatever the machine can do now. */
  readonly kept: readonly ProbedEngine[];
}

/** After a failure engines are tried again, though not more often than this. */
const doubtIntervalMs = 60_000;

/**
 * The engines of one node: those it offers for new guests, best first, and those that may hold older ones. More than
 * one, so that a guest whose engine fails goes on under the next.
 */
export class NodeEngines {
  private readonly opened = new Map<EngineDriverName, OpenedDriver>();
  private readonly listeners: ((observed: Observed) => void)[] = [];
  private offer: readonly EngineDriverName[] = [];
  private found: EngineProbe | undefined;
  private trying: Promise<EngineProbe> | undefined;
  private doubtedAtMs = -Infinity;

  private constructor(private readonly source?: EngineSource) {}

  /** One engine that needs no trial. */
  static of(driver: EngineDriver): NodeEngines {
    const engines = new NodeEngines();
    engines.opened.set(driver.name, { driver });
    engines.offer = [driver.name];
    return engines;
  }

  /** @throws when no engine runs guests here, saying of each why */
  static async probed(source: EngineSource): Promise<NodeEngines> {
    const engines = new NodeEngines(source);
    for (const engine of source.kept) engines.take(engine, await source.open(engine));
    const probe = await source.prober.known();
    const why = probe.engines.map(({ engine, verdict, reason }) => `${engine} ${verdict}: ${reason}`).join('; ');
    if (probe.driver === null) throw new Error(`no engine can run guests here: ${why}`);
    await engines.adopt(probe);
    return engines;
  }

  /** For new guests, best first. */
  get offered(): readonly EngineDriverName[] {
    return this.offer;
  }

  get best(): EngineDriver {
    return this.opened.get(this.offer[0]!)!.driver;
  }

  /** What the trial found; undefined where there was none. */
  get probe(): EngineProbe | undefined {
    return this.found;
  }

  /** Undefined: not open here. Without a name the best one. */
  find(name: EngineDriverName = this.best.name): EngineDriver | undefined {
    return this.opened.get(name)?.driver;
  }

  /** What keeps this machine from confining vmms, or moving guests, as it could. */
  get lacks(): readonly string[] {
    return [...new Set([...this.opened.values()].flatMap(({ lacks = [] }) => lacks))];
  }

  all(): readonly EngineDriver[] {
    return [...this.opened.values()].map(({ driver }) => driver);
  }

  /** Also of engines that are opened later. */
  watch(listener: (observed: Observed) => void): () => void {
    this.listeners.push(listener);
    const unwatch = this.all().map((driver) => driver.watch(listener));
    return () => {
      this.listeners.splice(this.listeners.indexOf(listener), 1);
      for (const stop of unwatch) stop();
    };
  }

  /** Tries them now. What passes is offered from here on; if nothing does, what was offered stays. */
  tryAgain(): Promise<EngineProbe | undefined> {
    if (!this.source) return Promise.resolve(undefined);
    this.trying ??= this.tryWith(this.source).finally(() => (this.trying = undefined));
    return this.trying;
  }

  /** An engine has failed under a guest. Resolves to true when it was tried again. */
  async doubt(): Promise<boolean> {
    const nowMs = performance.now();
    if (!this.source || nowMs - this.doubtedAtMs < doubtIntervalMs) return false;
    this.doubtedAtMs = nowMs;
    await this.source.prober.forget();
    if (this.offer.length < 2) return false; // there is nothing to choose
    await this.tryAgain();
    return true;
  }

  async renewLease(): Promise<void> {
    await Promise.all([...this.opened.values()].map(async ({ renewLease }) => renewLease?.()));
  }

  async close(): Promise<void> {
    await Promise.all(this.all().map((driver) => driver.close()));
  }

  private async tryWith({ prober }: EngineSource): Promise<EngineProbe> {
    const probe = await prober.again();
    await this.adopt(probe);
    return probe;
  }

  private async adopt(probe: EngineProbe): Promise<void> {
    this.found = probe;
    const passed = passedEngines(probe);
    for (const engine of passed) {
      if (!this.opened.has(engine)) this.take(engine, await this.source!.open(engine));
    }
    if (passed.length > 0) this.offer = passed;
  }

  private take(engine: ProbedEngine, opened: OpenedDriver): void {
    this.opened.set(engine, opened);
    for (const listener of this.listeners) opened.driver.watch(listener);
  }
}
