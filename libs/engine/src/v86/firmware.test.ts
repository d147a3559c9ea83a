import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { findFirmware } from './firmware.js';

test('a machine without a BIOS of its own gets the one that is shipped, as its checksums name it', () => {
  const { biosPath, vgaBiosPath } = findFirmware('/nowhere');
  const sums = [biosPath, vgaBiosPath].map((path) => {
    return `${createHash('sha256').update(readFileSync(path)).digest('hex')}  ${basename(path)}\n`;
  });
  expect(readFileSync(join(dirname(biosPath), 'SHA256SUMS'), 'utf8')).toBe(sums.join(''));
});

test('the BIOS of the distribution goes before it, when both its parts are there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-bios-'));
  writeFileSync(join(folder, 'bios.bin'), '');
  expect(dirname(findFirmware(folder).biosPath)).not.toBe(folder);
  writeFileSync(join(folder, 'vgabios-stdvga.bin'), '');
  expect(dirname(findFirmware(folder).biosPath)).toBe(folder);
  rmSync(folder, { recursive: true });
});
