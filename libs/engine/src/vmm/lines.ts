import { StringDecoder } from 'node:string_decoder';

/**
 * Cuts a stream into lines without ever holding more than `maxChars`: a line that grows beyond is dropped whole,
 * because what speaks at the other end may be hostile or half sent.
 */
export function lineReader(maxChars: number, onLine: (line: string) => void): (chunk: Buffer) => void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let dropping = false;
  return (chunk) => {
    const parts = (rest + decoder.write(chunk)).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      if (!dropping && part.length <= maxChars) onLine(part.endsWith('\r') ? part.slice(0, -1) : part);
      dropping = false;
    }
    if (rest.length > maxChars) {
      rest = '';
      dropping = true;
    }
  };
}
