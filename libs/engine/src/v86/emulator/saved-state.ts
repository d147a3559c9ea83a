import { ftruncate, readFile, write } from 'node:fs';
import { promisify } from 'node:util';
import { versionOfV86 } from '../version.js';
import type { MachineState } from './machine.js';

/** v86 takes no state of another machine, and keeps no promise between its versions. */
const formatLine = /^berth-v86-state 1 (\S+) (\d+) MiB at ([\d.]+) ms\n/;
const lineMaxBytes = 200;

/** The line that says what it is, and the state itself. */
export function packState(memoryMib: number, { guestMs, bytes }: MachineState): Uint8Array[] {
  const line = `berth-v86-state 1 ${versionOfV86()} ${memoryMib} MiB at ${guestMs} ms\n`;
  return [Buffer.from(line), new Uint8Array(bytes)];
}

/** @throws when it is no state of such a machine */
export function unpackState(packed: Buffer, memoryMib: number): MachineState {
  const [line, version, memory, guestMs] = formatLine.exec(packed.subarray(0, lineMaxBytes).toString('latin1')) ?? [];
  if (line === undefined) throw new Error('it is no saved state of this engine');
  if (version !== versionOfV86()) throw new Error(`it is of v86 ${version}, not ${versionOfV86()}`);
  if (Number(memory) !== memoryMib) throw new Error(`it is of a guest with ${memory} MiB, not ${memoryMib}`);
  return { guestMs: Number(guestMs), bytes: Uint8Array.from(packed.subarray(line.length)).buffer };
}

/** `file` is the number of a descriptor. */
export async function writeState(file: number, memoryMib: number, state: MachineState): Promise<void> {
  await promisify(ftruncate)(file, 0);
  let position = 0;
  for (const part of packState(memoryMib, state)) {
    for (let at = 0; at < part.length;) {
      const { bytesWritten } = await promisify(write)(file, part, at, part.length - at, position);
      [at, position] = [at + bytesWritten, position + bytesWritten];
    }
  }
}

/** @throws when it is no state of such a machine */
export async function readState(file: number, memoryMib: number): Promise<MachineState> {
  return unpackState(await promisify(readFile)(file), memoryMib);
}
