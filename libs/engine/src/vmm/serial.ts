import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The last bytes of the serial console, from the two halves its guard keeps. */
export async function readConsoleTail(vmmPath: string, maxBytes: number): Promise<Buffer> {
  const latest = await readTail(join(vmmPath, 'serial.log'), maxBytes);
  if (latest.length >= maxBytes) return latest;
  return Buffer.concat([await readTail(join(vmmPath, 'serial.log.1'), maxBytes - latest.length), latest]);
}

const lastWordsMaxChars = 300;

/** The last line of what the vmm's program said; of a long one its end, where the reason stands. */
export async function readLastWords(vmmPath: string): Promise<string> {
  const words = await readFile(join(vmmPath, 'errors.log'), 'utf8').catch(() => '');
  return words.trimEnd().split('\n').at(-1)?.slice(-lastWordsMaxChars) ?? '';
}

async function readTail(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return Buffer.alloc(0);
  try {
    const { size } = await file.stat();
    const wanted = Buffer.alloc(Math.min(size, maxBytes));
    const { bytesRead } = await file.read(wanted, 0, wanted.length, Math.max(0, size - maxBytes));
    return wanted.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
