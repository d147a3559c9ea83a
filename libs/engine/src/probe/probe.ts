import { type EngineProbe, type EngineTrial, type ProbedEngine, probedEngines } from '@berth/domain/engine-probe.js';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { monotonicMs } from '../vmm/clock.js';
import { defaultPrograms, type EnginePrograms } from '../qemu/open.js';
import { judgeKvm, judgeRom, loopsPerCpuSecond } from './judge.js';
import { whyNoKvm } from './machine.js';
import { nativeLoopsPerCpuSecond } from './native-speed.js';
import { probeRom } from './rom.js';
import { RomTrial, type RomPlace, type RomRun } from './rom-run.js';
import { bootTinyGuest } from './smoke.js';

export interface ProbeOptions extends EnginePrograms {
  /** Others are neither tried nor used. */
  readonly allowed: readonly ProbedEngine[];
  /** Taken when it runs guests at all, however fast; the others are not tried. */
  readonly pinned?: ProbedEngine | undefined;
}

export const defaultProbe: ProbeOptions = {
  ...defaultPrograms,
  allowed: probedEngines,
};

/** KVM has this long to begin, and on a busy machine as long as twice what software took. */
const kvmRomLimitMs = 1_500;
/** Once begun it has as long as software needed, and this long at least: what is not done by then has lost. */
const kvmRomLeastMs = 500;
const softwareRomLimitMs = 10_000;
/** A guest under KVM that takes this often what it takes under software is of no use. */
const kvmBootFactor = 5;

/** Timers that keep no process alive. */
const quiet = { ref: false } as const;

/** Finds out by timing real guests what this machine can do. About 2 s, 15 s where only v86 is left. Never throws. */
export async function probeEngines(options: ProbeOptions): Promise<EngineProbe> {
  const startedAtMs = monotonicMs();
  const folder = await mkdtemp(join(tmpdir(), 'berth-probe-'));
  try {
    const romPath = join(folder, 'probe.rom');
    await writeFile(romPath, probeRom());
    const { trials, speed } = await new Probe(options, { qemuPath: options.qemuPath, romPath }).run();
    const engines = probedEngines.map((engine) => trials.get(engine)!);
    const driver = engines.find(({ verdict }) => verdict === 'passed')?.engine ?? null;
    const loops = driver === null ? undefined : speed.get(driver);
    const speedRatio = loops === undefined ? null : round(loops / nativeLoopsPerCpuSecond(), 3);
    return { driver, speedRatio, seconds: round((monotonicMs() - startedAtMs) / 1000, 2), engines };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Outcome = Pick<EngineTrial, 'verdict' | 'reason'> & { readonly bootMs?: number | undefined };

class Probe {
  readonly #trials = new Map<ProbedEngine, EngineTrial>();
  /** Loops a CPU second. */
  readonly #speed = new Map<ProbedEngine, number>();

  constructor(
    private readonly options: ProbeOptions,
    private readonly place: RomPlace,
  ) {}

  async run() {
    const software = runWithin(new RomTrial('tcg', this.place), delay(softwareRomLimitMs, undefined, quiet));
    const tcg = this.#try('tcg', () => this.#software(software));
    await this.#try('kvm', () => this.#kvm(software, tcg));
    await tcg;
    await this.#try('v86', () => this.#emulator());
    return { trials: this.#trials, speed: this.#speed };
  }

  async #try(engine: ProbedEngine, trial: () => Promise<Outcome>): Promise<Outcome> {
    const startedAtMs = monotonicMs();
    const { allowed, pinned } = this.options;
    const isAllowed = pinned === undefined ? allowed.includes(engine) : pinned === engine;
    const why = pinned === undefined ? 'this node may not use it' : `this node is bound to ${pinned}`;
    const outcome = isAllowed ? await trial() : { verdict: 'forbidden' as const, reason: why };
    const { verdict, reason } = outcome;
    const wasTried = !['forbidden', 'absent', 'skipped'].includes(verdict);
    const seconds = wasTried ? round((monotonicMs() - startedAtMs) / 1000, 2) : null;
    this.#trials.set(engine, { engine, verdict, seconds, reason });
    return outcome;
  }

  async #software(running: Promise<RomRun>): Promise<Outcome> {
    const run = await running;
    this.#noteSpeed('tcg', run);
    const judged = judgeRom(run);
    return judged.verdict === 'passed' ? this.#boots('tcg', judged.reason) : judged;
  }

  async #kvm(software: Promise<RomRun>, tcg: Promise<Outcome>): Promise<Outcome> {
    const reason = await whyNoKvm(this.options.kvmPath);
    if (reason !== undefined) return { verdict: 'absent', reason };
    const trial = new RomTrial(`kvm,device=${this.options.kvmPath}`, this.place);
    const run = await runWithin(trial, kvmPatience(trial, software));
    this.#noteSpeed('kvm', run);
    const judged = judgeKvm(run, await software);
    const isPinned = this.options.pinned === 'kvm';
    if (judged.verdict !== 'passed' && !(isPinned && judged.verdict === 'slow')) return judged;
    const { bootMs } = isPinned ? {} : await tcg;
    return this.#boots('kvm', judged.reason, bootMs === undefined ? undefined : bootMs * kvmBootFactor);
  }

  /** Dear to run: only where nothing else does. */
  async #emulator(): Promise<Outcome> {
    const better = [...this.#trials.values()].find(({ verdict }) => verdict === 'passed');
    if (better) return { verdict: 'skipped', reason: `${better.engine} passed and is faster` };
    return this.#boots('v86', 'runs in Node itself');
  }

  async #boots(engine: ProbedEngine, counted: string, limitMs?: number): Promise<Outcome> {
    const { available, detail, bootDurationMs } = await bootTinyGuest(engine, this.options, limitMs);
    if (!available) return { verdict: 'failed', reason: `${counted}; ${detail}` };
    const boot = bootDurationMs === undefined ? 'boots' : `ready in ${(bootDurationMs / 1000).toFixed(2)} s`;
    return { verdict: 'passed', reason: `${counted}; tiny guest ${boot}; ${detail}`, bootMs: bootDurationMs };
  }

  #noteSpeed(engine: ProbedEngine, run: RomRun): void {
    const speed = loopsPerCpuSecond(run);
    if (speed !== undefined) this.#speed.set(engine, speed);
  }
}

async function runWithin(trial: RomTrial, patience: Promise<unknown>): Promise<RomRun> {
  await Promise.race([trial.ended, patience]);
  trial.end('timeout');
  return trial.ended;
}

async function kvmPatience(trial: RomTrial, software: Promise<RomRun>): Promise<void> {
  const { ending, guestMs, totalMs } = await software;
  const until = (atMs: number): Promise<void> => delay(Math.max(0, atMs - monotonicMs()), undefined, quiet);
  const lastAtMs = trial.startedAtMs + Math.max(kvmRomLimitMs, 2 * totalMs);
  await Promise.race([trial.began, until(lastAtMs)]);
  const { beganAtMs } = trial;
  if (beganAtMs === undefined || ending !== 'passed') return until(lastAtMs);
  return until(beganAtMs + Math.max(guestMs, kvmRomLeastMs));
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
