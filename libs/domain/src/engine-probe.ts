import type { EngineDriverName } from './node-state.js';

/** What a machine is tried for, best first; `model` simulates and needs no trial. */
export const probedEngines = ['kvm', 'tcg', 'v86'] as const satisfies readonly EngineDriverName[];
export type ProbedEngine = (typeof probedEngines)[number];

/**
 * passed: it ran real guests in time. slow: it works, but no faster than software. hung: no sign of the guest. failed:
 * it broke off. absent: the machine lacks it. forbidden: not to be used on this node. skipped: a better one passed.
 */
export const engineVerdicts = ['passed', 'slow', 'hung', 'failed', 'absent', 'forbidden', 'skipped'] as const;
export type EngineVerdict = (typeof engineVerdicts)[number];

/** What came of one engine. */
export interface EngineTrial {
  readonly engine: ProbedEngine;
  readonly verdict: EngineVerdict;
  /** What the trial took; null: there was none. */
  readonly seconds: number | null;
  /** One sentence for people, with the figures it rests on. */
  readonly reason: string;
}

/** What this machine can truly do. */
export interface EngineProbe {
  /** The best engine that passed; null: none runs guests here. */
  readonly driver: ProbedEngine | null;
  /** Work of a vcpu under `driver` / work of a core of this machine, counted loops a CPU second; null: not measured. */
  readonly speedRatio: number | null;
  /** The whole probe. */
  readonly seconds: number;
  /** Best first. */
  readonly engines: EngineTrial[];
}

/** The engines that passed, best first: the drivers a node offers. */
export function passedEngines({ engines }: EngineProbe): readonly ProbedEngine[] {
  return probedEngines.filter((name) => engines.some(({ engine, verdict }) => engine === name && verdict === 'passed'));
}
