import type { TokenGrant } from '@berth/database/token.repository.js';
import { issueToken } from '@berth/database/token-secret.js';
import { beforeEach, expect, test, vi } from 'vitest';
import { Authenticator, grantCacheMs, requestLimit } from './authenticator.js';

const { id, text, secretHash } = issueToken();
const grant: TokenGrant = { id, role: 'viewer', projectId: 'p', project: 'default', secretHash, usable: true };
const refused = { problem: { code: 'unauthenticated' } };
let lookUps = 0;
let found: TokenGrant | undefined;
let touched: ReadonlyMap<string, number> = new Map();
let authenticator: Authenticator;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  [lookUps, found] = [0, grant];
  authenticator = new Authenticator({
    findGrant: () => Promise.resolve(((lookUps += 1), found)),
    touch: (secondsAgo) => Promise.resolve(void (touched = secondsAgo)),
  });
});

const ask = (token = text, address = '10.0.0.1') => authenticator.authenticate(`Bearer ${token}`, address);

test('a token that proved right is believed for three seconds, so a revocation acts within them', async () => {
  for (let i = 0; i < 10; i++) expect((await ask()).id).toBe(id);
  expect(lookUps).toBe(1);
  found = { ...grant, usable: false };
  vi.advanceTimersByTime(grantCacheMs);
  await expect(ask()).rejects.toMatchObject(refused);
});

test('a known id with another secret is refused without a look-up', async () => {
  await ask();
  await expect(ask(`${text.slice(0, -3)}xyz`)).rejects.toMatchObject(refused);
  expect(lookUps).toBe(1);
});

test('guessing is slowed down by address, and slows nobody else down', async () => {
  found = undefined;
  const codes = new Set<string>();
  for (let i = 0; i < 1_100; i++) {
    await ask(issueToken().text).catch(({ problem }: { problem: { code: string } }) => codes.add(problem.code));
  }
  expect([...codes]).toEqual(['unauthenticated', 'too-many-requests']);
  expect(lookUps).toBeLessThanOrEqual(1_000);
  found = grant;
  expect((await ask(text, '10.0.0.2')).id).toBe(id);
});

test('a token has its burst of requests and no more', async () => {
  for (let i = 0; i < requestLimit.burst; i++) await ask();
  await expect(ask()).rejects.toMatchObject({ problem: { code: 'too-many-requests' } });
});

test('when tokens were used is written for all at once', async () => {
  await ask();
  vi.advanceTimersByTime(2_000);
  await authenticator.writeLastUsed();
  expect([...touched]).toEqual([[id, 2]]);
  await authenticator.writeLastUsed();
  expect(touched.size).toBe(0);
});
