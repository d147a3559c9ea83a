import { timingSafeEqual } from 'node:crypto';
import { readToken } from '@berth/database/token-secret.js';
import type { TokenGrant, TokenRepository } from '@berth/database/token.repository.js';
import { ProblemError, type Problem } from '@berth/domain/problem.js';
import { TokenBuckets } from './token-buckets.js';

/** A token that proved right is not looked up again for this long: the most that a revocation takes to act. */
export const grantCacheMs = 3_000;
const grantsMax = 10_000;

export const requestLimit = { perSecond: 2_000, burst: 4_000, keysMax: grantsMax };
/** Per address: a guess costs the record a look-up. */
const refusalLimit = { perSecond: 100, burst: 1_000, keysMax: grantsMax };

const unauthenticated: Problem = {
  code: 'unauthenticated',
  detail: 'the request carries no token that is valid now',
  next: 'send Authorization: Bearer berth_...',
};
const tooMany: Problem = { code: 'too-many-requests', detail: 'slow down', next: 'wait as Retry-After says' };

/** Tells whose a token is. Every refusal reads the same, whatever is wrong with the token. */
export class Authenticator {
  private readonly grants = new Map<string, { grant: Promise<TokenGrant | undefined>; readAtMs: number }>();
  private readonly requests = new TokenBuckets(requestLimit);
  private readonly refusals = new TokenBuckets(refusalLimit);
  private readonly lastUsedMs = new Map<string, number>();

  constructor(private readonly tokens: Pick<TokenRepository, 'findGrant' | 'touch'>) {}

  /** @throws ProblemError `unauthenticated`, `too-many-requests` */
  async authenticate(authorization: string | undefined, address: string): Promise<TokenGrant> {
    const [, text = ''] = /^Bearer (\S{1,200})$/i.exec(authorization ?? '') ?? [];
    const given = readToken(text);
    const grant = given && (await this.grantOf(given.id, address));
    if (!given || !grant?.usable || !timingSafeEqual(given.secretHash, grant.secretHash)) {
      throw new ProblemError(this.refusals.take(address) ? unauthenticated : tooMany);
    }
    if (!this.requests.take(grant.id)) throw new ProblemError(tooMany);
    this.lastUsedMs.set(grant.id, performance.now());
    return grant;
  }

  /** Writes down when tokens were used since the last call. */
  async writeLastUsed(): Promise<void> {
    const nowMs = performance.now();
    const secondsAgo = new Map([...this.lastUsedMs].map(([id, atMs]) => [id, (nowMs - atMs) / 1000]));
    this.lastUsedMs.clear();
    await this.tokens.touch(secondsAgo);
  }

  private grantOf(id: string, address: string): Promise<TokenGrant | undefined> {
    const nowMs = performance.now();
    const known = this.grants.get(id);
    if (known && nowMs - known.readAtMs < grantCacheMs) return known.grant;
    if (!known && !this.refusals.has(address)) throw new ProblemError(tooMany);
    const grant = this.tokens.findGrant(id);
    this.grants.delete(id);
    this.grants.set(id, { grant, readAtMs: nowMs });
    if (this.grants.size > grantsMax) this.grants.delete(this.grants.keys().next().value!);
    const forget = (): void => void this.grants.delete(id);
    grant.then((found) => found ?? forget(), forget);
    return grant;
  }
}
