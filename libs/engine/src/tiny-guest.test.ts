import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { locate } from './locate.js';
import { tinyGuest } from './tiny-guest.js';

test('the guest that is kept is the one its checksums name', () => {
  const { kernelPath, initrdPath } = tinyGuest();
  const sums = [kernelPath, initrdPath].map((path) => {
    return `${createHash('sha256').update(readFileSync(path)).digest('hex')}  ${basename(path)}\n`;
  });
  expect(readFileSync(locate('deploy/guest/artifact/SHA256SUMS'), 'utf8')).toBe(sums.join(''));
});

test('its initrd holds the init and the agent that lie beside it', () => {
  const initrd = readFileSync(tinyGuest().initrdPath);
  for (const name of ['init', 'agent', 'fstab']) {
    expect(initrd.includes(readFileSync(locate(`deploy/guest/${name}`)))).toBe(true);
  }
});

test('what is not part of the installation is named', () => {
  expect(() => locate('no/such/file')).toThrow('no/such/file is not part of this installation');
});
