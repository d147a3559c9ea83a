import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { locate } from './locate.js';
import { guestArchitectures, tinyGuest } from './tiny-guest.js';

test.each(guestArchitectures)('the %s guest that is kept is the one its checksums name', (architecture) => {
  const { kernelPath, initrdPath } = tinyGuest(architecture);
  const sums = [kernelPath, initrdPath].map((path) => {
    return `${createHash('sha256').update(readFileSync(path)).digest('hex')}  ${basename(path)}\n`;
  });
  expect(readFileSync(join(dirname(kernelPath), 'SHA256SUMS'), 'utf8')).toBe(sums.join(''));
});

test.each(guestArchitectures)('its %s initrd holds the init and the agent that lie beside it', (architecture) => {
  const initrd = readFileSync(tinyGuest(architecture).initrdPath);
  for (const name of ['init', 'agent', 'fstab']) {
    expect(initrd.includes(readFileSync(locate(`deploy/guest/${name}`)))).toBe(true);
  }
});

test('what is not part of the installation is named', () => {
  expect(() => locate('no/such/file')).toThrow('no/such/file is not part of this installation');
});
