import type { ProbeReport } from '@berth/engine/probe/report.js';
import { probedEngines } from '@berth/domain/node-state.js';
import { percent } from '../output/amounts.js';
import type { Noun } from '../output/noun.js';

/** What a machine can do: the driver it will use, and a line for each engine. */
export const engineProbeNoun: Noun<ProbeReport> = {
  path: '/nodes',
  singular: 'probe',
  nameOf: ({ driver }) => driver ?? 'none',
  columns: [
    { header: 'DRIVER', value: ({ driver }) => driver ?? 'none' },
    { header: 'SPEED', value: ({ speedRatio }) => (speedRatio === null ? null : `${percent(speedRatio)} of a core`) },
    ...probedEngines.map((name) => ({
      header: name.toUpperCase(),
      value: ({ engines }: ProbeReport) => trialText(engines.find(({ engine }) => engine === name)),
    })),
    { header: 'TOOK', value: ({ seconds }) => `${seconds.toFixed(2)} s` },
  ],
};

function trialText(trial: ProbeReport['engines'][number] | undefined): string | null {
  if (!trial) return null;
  const took = trial.seconds === null ? '' : ` in ${trial.seconds.toFixed(2)} s`;
  return `${trial.verdict}${took}: ${trial.reason}`;
}
