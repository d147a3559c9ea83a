import { expect, test } from 'vitest';
import { backportsSource } from './qemu.js';

const mirror = 'http://mirror.example/debian/';

test('backports come from the mirror that the machine uses', () => {
  const sources = `bookworm-security http://security.example/\nbookworm ${mirror}\n`;
  expect(backportsSource(sources, true)).toBe(
    `Types: deb\nURIs: ${mirror}\nSuites: bookworm-backports\nComponents: main\n` +
      'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n',
  );
});

test('backports that are configured are not added again', () => {
  expect(backportsSource(`bookworm ${mirror}\nbookworm-backports ${mirror}\n`, true)).toBeUndefined();
});

test('a machine without sources is told so', () => {
  expect(() => backportsSource('', false)).toThrow(/no package source/);
});
