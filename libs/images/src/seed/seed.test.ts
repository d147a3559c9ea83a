import { userDataMaxBytes } from '@berth/domain/limits.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fatImage } from './fat-image.js';
import { readFat } from './fat.fixture.js';
import { seedImage } from './seed.js';

describe('a seed', () => {
  const seed = {
    instanceId: 'i-1',
    hostname: 'web-1',
    sshKeys: ['ssh-ed25519 AAAA me'],
    macAddress: '52:54:00:00:00:01',
  };

  test('says who the guest is, how it gets its address, and hands on what its owner wrote as it is', () => {
    const userData = Buffer.from('#cloud-config\nhostname: mine\n\u{1f6a2}');
    const { label, files } = readFat(seedImage({ ...seed, userData }));
    expect(label).toBe('CIDATA');
    expect(JSON.parse(files.get('meta-data')!.toString())).toEqual({
      'instance-id': 'i-1',
      'local-hostname': 'web-1',
      'public-keys': ['ssh-ed25519 AAAA me'],
    });
    expect(JSON.parse(files.get('network-config')!.toString())).toEqual({
      version: 2,
      ethernets: { card: { match: { macaddress: '52:54:00:00:00:01' }, dhcp4: true } },
    });
    expect(files.get('user-data')).toEqual(userData);
  });

  test('has room for the largest user data', () => {
    const userData = Buffer.alloc(userDataMaxBytes, 'x');
    expect(readFat(seedImage({ ...seed, userData })).files.get('user-data')).toEqual(userData);
  });

  test('gives a card the address it is told to have, instead of having it ask for one', () => {
    const { files } = readFat(seedImage({ ...seed, address: '10.0.2.15/24' }));
    expect(JSON.parse(files.get('network-config')!.toString())).toEqual({
      version: 2,
      ethernets: { card: { match: { macaddress: '52:54:00:00:00:01' }, addresses: ['10.0.2.15/24'] } },
    });
  });

  test('lets no name become a key', () => {
    const { files } = readFat(seedImage({ ...seed, hostname: 'a"\nevil: true' }));
    expect(JSON.parse(files.get('meta-data')!.toString())).not.toHaveProperty('evil');
  });
});

describe('a FAT volume', () => {
  test('gives back any files, whatever their sizes and the length of their names', () => {
    const file = fc.record({
      name: fc.stringMatching(/^[a-z][a-z0-9-]{0,39}$/),
      bytes: fc.uint8Array({ maxLength: 5000 }).map((bytes) => Buffer.from(bytes)),
    });
    fc.assert(
      fc.property(fc.uniqueArray(file, { maxLength: 12, selector: ({ name }) => name }), (files) => {
        expect(readFat(fatImage('ANY', files)).files).toEqual(new Map(files.map(({ name, bytes }) => [name, bytes])));
      }),
      { numRuns: 50 },
    );
  });

  test('refuses what is larger than it is', () => {
    expect(() => fatImage('BIG', [{ name: 'a', bytes: Buffer.alloc(1_500_000) }])).toThrow(RangeError);
  });
});
