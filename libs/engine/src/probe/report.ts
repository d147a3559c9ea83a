import { probedEngines, type EngineVerdict, type ProbedEngine } from '@berth/domain/node-state.js';

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
export interface ProbeReport {
  /** The best engine that passed; null: none runs guests here. */
  readonly driver: ProbedEngine | null;
  /** Work of a vcpu under `driver` / work of a core of this machine, counted loops a CPU second; null: not measured. */
  readonly speedRatio: number | null;
  /** The whole probe. */
  readonly seconds: number;
  /** Best first. */
  readonly engines: readonly EngineTrial[];
}

/** The engines that passed, best first: the drivers a node offers. */
export function passedEngines({ engines }: ProbeReport): readonly ProbedEngine[] {
  return probedEngines.filter((name) => engines.some(({ engine, verdict }) => engine === name && verdict === 'passed'));
}
