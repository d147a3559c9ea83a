import { readFile, writeFile } from 'node:fs/promises';
import { versionOfV86 } from '../version.js';
import type { MachineState } from './machine.js';

/** v86 takes no state of another machine, and keeps no promise between its versions. */
const formatLine = /^berth-v86-state 1 (\S+) (\d+) MiB at ([\d.]+) ms\n/;
const lineMaxBytes = 200;

export async function writeState(path: string, memoryMib: number, { guestMs, bytes }: MachineState): Promise<void> {
  const line = `berth-v86-state 1 ${versionOfV86()} ${memoryMib} MiB at ${guestMs} ms\n`;
  await writeFile(path, [Buffer.from(line), new Uint8Array(bytes)], { mode: 0o600 });
}

/** @throws when it is no state of such a machine */
export async function readState(path: string, memoryMib: number): Promise<MachineState> {
  const file = await readFile(path);
  const [line, version, memory, guestMs] = formatLine.exec(file.subarray(0, lineMaxBytes).toString('latin1')) ?? [];
  if (line === undefined) throw new Error(`${path} is no saved state of this engine`);
  if (version !== versionOfV86()) throw new Error(`${path} is of v86 ${version}, not ${versionOfV86()}`);
  if (Number(memory) !== memoryMib) throw new Error(`${path} is of a guest with ${memory} MiB, not ${memoryMib}`);
  return { guestMs: Number(guestMs), bytes: Uint8Array.from(file.subarray(line.length)).buffer };
}
