import { type EngineProbe, probedEngines } from '@berth/domain/engine-probe.js';
import { percent } from '../output/amounts.js';
import type { Noun } from '../output/noun.js';

/** What a machine can do: the driver it will use, and a line for each engine. */
export const engineProbeNoun: Noun<EngineProbe> = {
  path: '/nodes',
  singular: 'probe',
  nameOf: ({ driver }) => driver ?? 'none',
  columns: [
    { header: 'DRIVER', value: ({ driver }) => driver ?? 'none' },
    { header: 'SPEED', value: ({ speedRatio }) => (speedRatio === null ? null : `${percent(speedRatio)} of a core`) },
    ...probedEngines.map((name) => ({
      header: name.toUpperCase(),
      value: ({ engines }: EngineProbe) => trialText(engines.find(({ engine }) => engine === name)),
    })),
    { header: 'TOOK', value: ({ seconds }) => `${seconds.toFixed(2)} s` },
  ],
};

function trialText(trial: EngineProbe['engines'][number] | undefined): string | null {
  if (!trial) return null;
  const took = trial.seconds === null ? '' : ` in ${trial.seconds.toFixed(2)} s`;
  return `${trial.verdict}${took}: ${trial.reason}`;
}
