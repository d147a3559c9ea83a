import { createReadStream } from 'node:fs';
import { createGunzip, constants } from 'node:zlib';
import { InputError, type TextChunks } from '@berth/simulation/traces/rows.js';

/** A text file in pieces; `.gz` is unpacked on the way. Nothing is held in memory as a whole. */
export async function* openText(file: string): TextChunks {
  const source = createReadStream(file);
  const stream = file.endsWith('.gz') ? source.pipe(createGunzip({ finishFlush: constants.Z_FINISH })) : source;
  // A pipe does not hand on the errors of its source.
  source.on('error', (error) => stream.destroy(error));
  stream.setEncoding('utf8');
  try {
    for await (const chunk of stream) yield String(chunk);
  } catch (error) {
    throw new InputError(file, 0, '', expectation(error));
  }
}

function expectation(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'a file that exists';
  if (code === 'Z_BUF_ERROR') return 'a whole gzip file (this one ends early)';
  if (code === 'Z_DATA_ERROR') return 'a gzip file';
  return `a readable file (${error instanceof Error ? error.message : String(error)})`;
}
