import { EngineError } from '../driver.js';
import { identityOf, type Identity } from '../identity.js';
import type { VmmSpec } from '../vmm-spec.js';
import type { AgentClient } from './agent.js';
import { monotonicMs } from './clock.js';
import { withGuestAgent } from './guest-agent.js';
import type { QmpClient } from './qmp.js';
import type { ArrivalTimes, VmmRecord } from './record.js';
import type { Signs } from './signs.js';
import { identifyWhole } from './whole-guest.js';

/** Descriptor sets in which the guard hands a vmm the state it begins with and the file it may save to; others have
 * the number of their descriptor, which is higher. */
export const fdsets = { incoming: 2, outgoing: 3 } as const;

/** Of all that it takes. A vmm that is starved is not dead, and one that dies ends its connection: no step has less. */
const arrivalLimitMs = 60_000;
const pollMs = 1;
/** One that answered later was told the time so long ago that it does not know it: it is told again, by then awake. */
const clockErrorMs = 1000;
const tellingsMax = 3;

type Engine = Pick<QmpClient, 'execute' | 'status'>;
type Voice = Pick<AgentClient, 'ask'>;

/** `signs`: it holds no agent of ours. */
interface Arriving {
  readonly record: Pick<VmmRecord, 'spec'>;
  readonly path: string;
  readonly signs: Signs | undefined;
}

/**
 * Brings a guest that does not begin with a boot to where it runs as itself. Each step looks at how things stand, so
 * that another worker can go on where one died. @throws EngineError no-answer, start-failed
 */
export async function bringUp(
  vmm: Arriving,
  qmp: Engine,
  agent: () => Promise<Voice | undefined>,
): Promise<ArrivalTimes> {
  const { spec } = vmm.record;
  const deadlineMs = monotonicMs() + arrivalLimitMs;
  await load(qmp, hasMemoryFile(spec), deadlineMs);
  const goOn = () => qmp.execute('cont', leftMs(deadlineMs)).then(monotonicMs);
  if (vmm.signs) {
    const resumedAtMs = await goOn();
    // only a copy is told who it is: what was saved is who it was
    if (spec.origin?.kind === 'template') await identifyStranger(vmm, vmm.signs, deadlineMs);
    return { resumedAtMs, readyAtMs: monotonicMs() };
  }
  const voice = await agent();
  if (!voice) throw new EngineError('no-answer', `the agent of vmm ${spec.vmmId} cannot be reached`);
  // told before it goes on: the words wait for its first instruction, not it for them
  const [, resumedAtMs] = await Promise.all([tellIdentity(spec, voice, deadlineMs), goOn()]);
  return { resumedAtMs, readyAtMs: monotonicMs() };
}

/** A guest of another's making. */
async function identifyStranger({ record: { spec }, path }: Arriving, signs: Signs, deadlineMs: number): Promise<void> {
  await withGuestAgent(signs.agent, path, (agent) => identifyWhole(agent, identityOf(spec)), leftMs(deadlineMs));
}

/** Also the time, so again when it took the guest long. @throws EngineError no-answer */
export async function tellIdentity(spec: VmmSpec, voice: Voice, deadlineMs: number): Promise<void> {
  for (let tellings = 0; tellings < tellingsMax; tellings++) {
    const toldAtMs = monotonicMs();
    await voice.ask(`identity ${wordsOf(identityOf(spec))}`, leftMs(deadlineMs));
    if (monotonicMs() - toldAtMs < clockErrorMs) return;
  }
}

function hasMemoryFile({ origin }: VmmSpec): boolean {
  return origin !== undefined && 'statePath' in origin && origin.memoryPath !== undefined;
}

function leftMs(deadlineMs: number): number {
  return Math.max(1, deadlineMs - monotonicMs());
}

async function load(qmp: Engine, memoryIsFile: boolean, deadlineMs: number): Promise<void> {
  const capabilities = [{ capability: 'x-ignore-shared', state: memoryIsFile }];
  // In one breath. Refused when a worker before us has said it already: then it goes on, or the vmm ends.
  await Promise.allSettled([
    qmp.execute('migrate-set-capabilities', leftMs(deadlineMs), { capabilities }),
    qmp.execute('migrate-incoming', leftMs(deadlineMs), { uri: fdsetUri('incoming') }),
  ]);
  while ((await qmp.status(leftMs(deadlineMs))) === 'inmigrate') {
    if (monotonicMs() > deadlineMs) throw new EngineError('start-failed', 'the saved guest is not loaded');
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/**
 * Where a state begins in its file. Said aloud, for the descriptor keeps its place: what a vmm saves for the second
 * time would stand behind the first.
 */
const stateOffsetBytes = 4096;

export function fdsetUri(set: keyof typeof fdsets): string {
  return `file:/dev/fdset/${fdsets[set]},offset=${stateOffsetBytes}`;
}

/** Of the words of the agent's `identity`; `deploy/guest/README.md` has them. */
function wordsOf({ hostname, machineId, seed, macAddress }: Identity): string {
  const seconds = Math.round(Date.now() / 1000);
  return [hostname, machineId, seconds, seed.toString('hex'), ...(macAddress ? [macAddress] : [])].join(' ');
}
