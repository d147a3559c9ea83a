/** Assembled from `libs/engine/rom/probe.asm`; the README beside it says how, and a test compares. */
const program = [
  '+vyMyI7YMcCOwI7QvAB8Mfa/AHy5LgHzpOoefAAAjti6+AOwQe6zoGa5oIYBAGZJdfywLu7+y3XvsFLuDwEWKH0PIMAMAQ8iwOpO',
  'fAgAZrgQAI7YjsCO0LwAfAAAs6C5oIYBAEl1/bAu7v7LdfGwUO7HBQCgAAADsAAAxwUEoAAAAAAAAMcFALAAAAPAAADHBQSwAAAA',
  'AAAAxwUAwAAAgwAAAMcFBMAAAAAAAAAPIOCDyCAPIuC4AKAAAA8i2LmAAADADzINAAEAAA8wDyDADQAAAIAPIsDq3nwAABgAZrr4',
  'A7OguaCGAQD/yXX8sC7u/st18LBM7ma69ACwEO706/2QkJCQkJCQAAAAAAAAAAD//wAAAJrPAP//AAAAks8A//8AAACarwAfAAh9',
].join('');

/** `jmp f000:0000`, where the processor begins: 16 bytes below the end. */
const reset = [0xea, 0x00, 0x00, 0x00, 0xf0];
const romBytes = 64 * 1024;

export const romSha256 = '56befc69b5a3f4ab28c312c80229d9069e74fd14040c658c42678a88892ca377';

/** What the guest counts down in each of its three modes, a dot on the serial port for each chunk. */
export const romModes = [
  { name: 'real', mark: 'R' },
  { name: 'protected', mark: 'P' },
  { name: 'long', mark: 'L' },
] as const;
export const romChunksPerMode = 160;
export const romLoopsPerChunk = 100_000;
/** (0x10 << 1) | 1, by isa-debug-exit. */
export const romExitCode = 33;

/** A whole firmware of 64 KiB that needs nothing else: no BIOS, no kernel, no disk. */
export function probeRom(): Buffer {
  const rom = Buffer.alloc(romBytes);
  rom.set(Buffer.from(program, 'base64'), 0);
  rom.set(reset, romBytes - 16);
  return rom;
}
