import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { guestAccessOf } from './guest-access.js';

test('keys, data and ports come from the command line or from files it names', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-access-'));
  try {
    const [keys, data] = [join(folder, 'keys'), join(folder, 'data')];
    await writeFile(keys, '# mine\nssh-ed25519 AAAA a\n\nssh-rsa BBBB b\n');
    await writeFile(data, '#cloud-config\n');
    const flags = { sshKey: [`@${keys}`, 'ssh-ed25519 CCCC c'], userData: `@${data}`, port: ['22', '80'] };
    expect(await guestAccessOf(flags)).toEqual({
      sshKeys: ['ssh-ed25519 AAAA a', 'ssh-rsa BBBB b', 'ssh-ed25519 CCCC c'],
      userData: '#cloud-config\n',
      ports: [22, 80],
    });
    await expect(guestAccessOf({ userData: `@${folder}/none` })).rejects.toThrow(/none cannot be read/);
    const atHome = guestAccessOf({ sshKey: ['@~/berth-has-no-such-key'] });
    await expect(atHome).rejects.toThrow(`${homedir()}/berth-has-no-such-key cannot be read`);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('what is not asked for is left to the API', async () => {
  expect(await guestAccessOf({})).toEqual({});
});
