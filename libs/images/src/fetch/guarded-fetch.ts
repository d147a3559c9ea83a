import { lookup } from 'node:dns/promises';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import { demand, ImageRefusal } from '../refusal.js';
import { isPublicAddress } from './address.js';

const redirectsMax = 3;

export interface FetchPolicy {
  readonly plainHttp: boolean;
  /** Addresses of one's own network that may be asked beside the public ones. */
  readonly mayReach: (address: string) => boolean;
  /** Every address of a name. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** A server that sends nothing for so long sends nothing any more. */
  readonly idleMaxMs: number;
}

export const publicOnly: FetchPolicy = {
  plainHttp: false,
  mayReach: () => false,
  resolve: resolveName,
  idleMaxMs: 20_000,
};

/**
 * The bytes behind a URL that a stranger gave. The name is resolved once and that very address connected to, and every
 * redirect goes through the same; nothing of ours (credentials, cookies, proxies) goes along.
 * @throws ImageRefusal that says what is wrong with the URL or its server; AbortError
 */
export async function guardedFetch(url: string, policy: FetchPolicy, signal: AbortSignal): Promise<IncomingMessage> {
  let current = url;
  for (let hop = 0; hop <= redirectsMax; hop++) {
    const answer = await ask(current, policy, signal);
    const status = answer.statusCode ?? 0;
    if (status === 200) return checkBody(answer);
    answer.destroy();
    const { location } = answer.headers;
    const isRedirect = [301, 302, 303, 307, 308].includes(status) && location !== undefined;
    demand(isRedirect, `image-fetch-failed: the server answered ${status}`);
    demand(URL.canParse(location, current), 'image-fetch-failed: it redirects to no URL');
    current = new URL(location, current).href;
  }
  throw new ImageRefusal(`image-fetch-failed: more than ${redirectsMax} redirects`);
}

function checkBody(answer: IncomingMessage): IncomingMessage {
  const { 'content-encoding': encoding = 'identity' } = answer.headers;
  if (encoding !== 'identity') answer.destroy();
  demand(encoding === 'identity', `image-fetch-failed: the server packs what it sends (${encoding})`);
  return answer;
}

async function ask(text: string, policy: FetchPolicy, signal: AbortSignal): Promise<IncomingMessage> {
  demand(URL.canParse(text), 'image-fetch-failed: it is no URL');
  const url = new URL(text);
  const schemes = policy.plainHttp ? ['https:', 'http:'] : ['https:'];
  demand(schemes.includes(url.protocol), `image-fetch-failed: ${url.protocol} is not allowed; use ${schemes[0]}`);
  demand(url.username === '' && url.password === '', 'image-fetch-failed: a URL here holds no credentials');
  const address = await addressOf(url.hostname, policy);
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  const family = isIP(address);
  return new Promise((resolve, reject) => {
    const refuse = (cause: Error): void => {
      if (signal.aborted) return reject(cause);
      reject(new ImageRefusal(`image-fetch-failed: ${cause.message}`, { cause }));
    };
    const request = send(url, {
      agent: false,
      signal,
      headers: { 'user-agent': 'berth', 'accept-encoding': 'identity' },
      lookup: (_, { all }, done) => (all === true ? done(null, [{ address, family }]) : done(null, address, family)),
    });
    request.setTimeout(policy.idleMaxMs, () => request.destroy(new Error(`silent for ${policy.idleMaxMs} ms`)));
    request.once('error', refuse).once('response', resolve).end();
  });
}

/** One address stands for the name from here on. @throws ImageRefusal when any of its addresses is not allowed */
async function addressOf(hostname: string, { resolve, mayReach }: FetchPolicy): Promise<string> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const addresses = isIP(host) === 0 ? await namesOf(host, resolve) : [host];
  const outside = addresses.find((address) => !isPublicAddress(address) && !mayReach(address));
  demand(outside === undefined, `image-fetch-failed: ${hostname} is not on the public internet`);
  const [first] = addresses;
  demand(first !== undefined, `image-fetch-failed: ${hostname} has no address`);
  return first;
}

async function namesOf(host: string, resolve: FetchPolicy['resolve']): Promise<readonly string[]> {
  return resolve(host).catch((cause: unknown) => {
    throw new ImageRefusal(`image-fetch-failed: ${host} has no address`, { cause });
  });
}

async function resolveName(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
