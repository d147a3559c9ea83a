import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { identifyWhole, settleWhole } from './whole-guest.js';

/** Ends as it is told to, one command after the other. */
function voiceOf(...exitCodes: number[]) {
  const heard: string[] = [];
  const exec = (script: string) => {
    heard.push(script);
    return Promise.resolve({ exitCode: exitCodes.shift() ?? 0, output: Buffer.from('it has no perl') });
  };
  return { heard, exec };
}

const identity = { hostname: 'web', machineId: 'a'.repeat(32), seed: randomBytes(32), macAddress: '52:54:00:00:00:01' };

describe('a guest of another making', () => {
  test('is asked again until its first boot is over', async () => {
    const voice = voiceOf(75);
    await settleWhole(voice, AbortSignal.timeout(10_000));
    expect(voice.heard).toHaveLength(2);
  });

  test('is waited for no longer than wanted', async () => {
    await expect(settleWhole(voiceOf(75, 75), AbortSignal.abort())).rejects.toThrow('aborted');
  });

  test('that lacks what a copy needs is no template, and it is said what', async () => {
    await expect(settleWhole(voiceOf(1), AbortSignal.timeout(1000))).rejects.toThrow('it has no perl');
    await expect(identifyWhole(voiceOf(1), identity)).rejects.toThrow('it has no perl');
  });

  test('draws its random numbers anew before it makes keys', async () => {
    const voice = voiceOf();
    await identifyWhole(voice, identity);
    const [script = ''] = voice.heard;
    expect(script.indexOf(identity.seed.toString('hex'))).toBeGreaterThan(0);
    expect(script.indexOf('ssh-keygen')).toBeGreaterThan(script.indexOf(identity.seed.toString('hex')));
  });
});
