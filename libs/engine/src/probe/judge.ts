import type { EngineVerdict } from '@berth/domain/engine-probe.js';
import { romChunksPerMode, romLoopsPerChunk, romModes } from './rom.js';
import type { RomRun } from './rom-run.js';

export interface Judgement {
  readonly verdict: EngineVerdict;
  readonly reason: string;
}

/** KVM is taken only when it counts at least this much faster than software: less is noise, or an emulated KVM. */
const speedGainMin = 2;
const loopsTotal = romModes.length * romChunksPerMode * romLoopsPerChunk;

/** What a run of the firmware says about an engine by itself. */
export function judgeRom(run: RomRun): Judgement {
  const seconds = inSeconds(run.totalMs);
  const words = run.lastWords === '' ? '' : `: ${run.lastWords}`;
  switch (run.ending) {
    case 'passed':
      return { verdict: 'passed', reason: `counted ${millions(loopsTotal)} in ${inSeconds(run.guestMs)}` };
    case 'missing':
      return {
        verdict: 'absent',
        reason: `QEMU does not run${words}; install it with: apt-get install qemu-system-x86`,
      };
    case 'aborted':
      return { verdict: 'failed', reason: `QEMU ended after ${seconds} ${inMode(run)}${words}` };
    case 'stopped':
      return { verdict: 'failed', reason: `internal-error after ${seconds} ${inMode(run)}${words}` };
    case 'reset':
      return { verdict: 'failed', reason: `the guest was reset after ${seconds} ${inMode(run)}` };
    case 'timeout':
      return late(run);
  }
}

/** KVM against software on the same machine at the same time. */
export function judgeKvm(kvm: RomRun, software: RomRun): Judgement {
  const alone = judgeRom(kvm);
  if (software.ending !== 'passed' || kvm.guestMs === 0) return alone;
  const gain = rateOf(kvm) / rateOf(software);
  const compared = `software counted ${millions(loopsTotal)} in ${inSeconds(software.guestMs)}`;
  if (alone.verdict === 'slow') {
    return { verdict: 'slow', reason: `${alone.reason}; ${compared}, ${times(1 / gain)} faster` };
  }
  if (alone.verdict !== 'passed') return alone;
  if (gain < speedGainMin) {
    const gained = `${gain.toFixed(1)} times as fast, ${speedGainMin} are needed`;
    return { verdict: 'slow', reason: `${alone.reason}; ${compared}: ${gained}` };
  }
  return { verdict: 'passed', reason: `${alone.reason}; ${times(gain)} faster than software` };
}

/** Loops a CPU second of QEMU: of a run that passed. Undefined when it was too short for the kernel's clock. */
export function loopsPerCpuSecond(run: RomRun): number | undefined {
  return run.ending === 'passed' && run.guestCpuMs > 0 ? loopsTotal / (run.guestCpuMs / 1000) : undefined;
}

function late(run: RomRun): Judgement {
  const seconds = inSeconds(run.totalMs);
  if (!run.began) return { verdict: 'hung', reason: `no sign of the guest in ${seconds}` };
  if (run.chunks === 0) return { verdict: 'hung', reason: `the guest began, and counted nothing in ${seconds}` };
  const counted = millions(run.chunks * romLoopsPerChunk);
  return { verdict: 'slow', reason: `counted ${counted} of ${millions(loopsTotal)} in ${inSeconds(run.guestMs)}` };
}

/** Chunks a second, as seen from outside. */
function rateOf({ chunks, guestMs }: RomRun): number {
  return chunks / guestMs;
}

/** Where it was, from what it had counted. */
function inMode({ began, chunks }: RomRun): string {
  const mode = romModes[Math.min(romModes.length - 1, Math.floor(chunks / romChunksPerMode))]!;
  return began ? `in ${mode.name} mode` : 'before the guest began';
}

function times(gain: number): string {
  return `${gain < 10 ? gain.toFixed(1) : Math.round(gain)} times`;
}

function millions(loops: number): string {
  return `${(loops / 1e6).toFixed(loops < 10e6 ? 1 : 0)} M`;
}

function inSeconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(2)} s`;
}
