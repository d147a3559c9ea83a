import type { EngineProbe, EngineVerdict, ProbedEngine } from '@berth/domain/engine-probe.js';
import { ModelDriver } from '@berth/engine/model-driver/model-driver.js';
import { seededRandom } from '@berth/simulation/random.js';
import { beforeEach, describe, expect, test } from 'vitest';
import { NodeEngines, type EngineSource } from './node-engines.js';

class Engine extends ModelDriver {
  constructor(override readonly name: 'model') {
    super({ random: seededRandom(1) });
  }
}

let answer: EngineProbe;
let opened: ProbedEngine[];
let forgotten: number;
let tried: number;

beforeEach(() => {
  opened = [];
  forgotten = tried = 0;
});

function probeOf(verdicts: Partial<Record<ProbedEngine, EngineVerdict>>): EngineProbe {
  const engines = Object.entries(verdicts) as [ProbedEngine, EngineVerdict][];
  return {
    driver: engines.find(([, verdict]) => verdict === 'passed')?.[0] ?? null,
    speedRatio: null,
    seconds: 1,
    engines: engines.map(([engine, verdict]) => ({ engine, verdict, seconds: 1, reason: 'as it was told' })),
  };
}

function source(kept: readonly ProbedEngine[] = []): EngineSource {
  return {
    kept,
    open: async (engine) => {
      opened.push(engine);
      return { driver: new Engine(engine as 'model') };
    },
    prober: {
      known: async () => answer,
      again: async () => {
        tried += 1;
        return answer;
      },
      forget: async () => void (forgotten += 1),
    },
  };
}

describe('the engines of a node', () => {
  test('are offered best first, and only those that passed', async () => {
    answer = probeOf({ kvm: 'passed', tcg: 'passed', v86: 'skipped' });
    const engines = await NodeEngines.probed(source());
    expect(engines.offered).toEqual(['kvm', 'tcg']);
    expect(engines.best.name).toBe('kvm');
    expect(engines.find('v86')).toBeUndefined();
  });

  test('that hold guests of before are open though they are not offered', async () => {
    answer = probeOf({ kvm: 'failed', tcg: 'passed' });
    const engines = await NodeEngines.probed(source(['kvm']));
    expect(engines.find('kvm')?.name).toBe('kvm');
    expect(engines.offered).toEqual(['tcg']);
  });

  test('say of each why, when none runs guests', async () => {
    answer = probeOf({ kvm: 'absent', tcg: 'failed' });
    await expect(NodeEngines.probed(source())).rejects.toThrow(
      'no engine can run guests here: kvm absent: as it was told; tcg failed: as it was told',
    );
  });

  test('follow a new trial, and keep what there was when nothing passes', async () => {
    answer = probeOf({ kvm: 'slow', tcg: 'passed' });
    const engines = await NodeEngines.probed(source());
    answer = probeOf({ kvm: 'passed', tcg: 'passed' });
    await engines.tryAgain();
    expect(engines.offered).toEqual(['kvm', 'tcg']);
    answer = probeOf({ kvm: 'failed', tcg: 'failed' });
    expect(await engines.tryAgain()).toBe(answer);
    expect(engines.offered).toEqual(['kvm', 'tcg']);
    expect(opened).toEqual(['tcg', 'kvm']);
  });

  test('are doubted after a failure: forgotten, and where there is a choice tried again, once', async () => {
    answer = probeOf({ kvm: 'passed', tcg: 'passed' });
    const engines = await NodeEngines.probed(source());
    answer = probeOf({ kvm: 'failed', tcg: 'passed' });
    expect([await engines.doubt(), await engines.doubt()]).toEqual([true, false]);
    expect([forgotten, tried, engines.offered]).toEqual([1, 1, ['tcg']]);
  });

  test('with no choice are not tried again after a failure', async () => {
    answer = probeOf({ tcg: 'passed' });
    const engines = await NodeEngines.probed(source());
    expect([await engines.doubt(), forgotten, tried]).toEqual([false, 1, 0]);
  });
});
