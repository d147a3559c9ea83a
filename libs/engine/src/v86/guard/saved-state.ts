import { open, readFile, rename } from 'node:fs/promises';

/** Of the format and of the emulator's own: v86 keeps no promise between its versions. */
const formatLine = /^berth-v86-state 1 (\d+)\n/;
const lineMaxBytes = 100;

/** Whole or not at all: on disk under its own name when it resolves. */
export async function writeState(path: string, memoryMib: number, state: ArrayBuffer): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.write(`berth-v86-state 1 ${memoryMib}\n`);
    await file.write(new Uint8Array(state));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

/** @throws when it is no state of such a machine */
export async function readState(path: string, memoryMib: number): Promise<ArrayBuffer> {
  const bytes = await readFile(path);
  const [line, memory] = formatLine.exec(bytes.subarray(0, lineMaxBytes).toString('latin1')) ?? [];
  if (line === undefined) throw new Error(`${path} is no saved state of this engine`);
  if (Number(memory) !== memoryMib) throw new Error(`${path} is of a guest with ${memory} MiB, not ${memoryMib}`);
  return Uint8Array.from(bytes.subarray(line.length)).buffer;
}
