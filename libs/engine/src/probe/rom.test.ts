import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { locate } from '../locate.js';
import { probeRom, romChunksPerMode, romLoopsPerChunk, romSha256 } from './rom.js';

const source = locate('libs/engine/rom/probe.asm');
const nasm = '/usr/bin/nasm';

describe('the firmware of the probe', () => {
  test('is 64 KiB with the checksum its notes give', () => {
    const rom = probeRom();
    expect(rom.length).toBe(65_536);
    expect(createHash('sha256').update(rom).digest('hex')).toBe(romSha256);
  });

  test('counts as far as its source says', () => {
    const text = readFileSync(source, 'utf8');
    expect(text).toMatch(new RegExp(`%define CHUNK +${romLoopsPerChunk}\\n`));
    expect(text).toMatch(new RegExp(`%define CHUNKS +${romChunksPerMode}\\n`));
  });

  test.runIf(existsSync(nasm))('is what nasm makes of its source', () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-rom-'));
    try {
      execFileSync(nasm, ['-f', 'bin', '-o', join(folder, 'probe.rom'), source]);
      expect(readFileSync(join(folder, 'probe.rom')).equals(probeRom())).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
