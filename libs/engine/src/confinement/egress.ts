import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, isIPv6, type AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import type { MigrationAddress } from '../migration.js';
import { perlPath } from './perl.js';
import { setprivPath, type UserIds } from './user-ids.js';

const nftPath = '/usr/sbin/nft';
const runTimeoutMs = 5000;
/** Disks go first, and only then QEMU connects to send the memory: longer than a move may take. */
const allowedSeconds = 900;
/** Exit code of a connection that the rules refused. */
const refusedCode = 9;

/**
 * A vmm answers those who connect to its guest's ports, and opens no connection itself but to where its guest moves. So
 * one that was taken over reaches no server of this machine nor of another: it is by its user that the kernel knows it.
 */
export class Egress {
  private constructor(private readonly userIds: UserIds) {}

  /** Undefined where the machine does not allow it, tried with a connection of such a user. */
  static async open(userIds: UserIds): Promise<Egress | undefined> {
    if (userIds.count === 1) return undefined; // nobody: others of the machine run as that
    try {
      await nft(rulesOf(userIds));
      return (await isRefused(userIds.first + userIds.count - 1)) ? new Egress(userIds) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Lets one vmm connect to where its guest goes, for as long as a move may take. */
  async allow(userId: number, { host, port, diskPort }: MigrationAddress): Promise<void> {
    const set = isIPv6(host) ? 'moves6' : 'moves4';
    await nft(rulesOf(this.userIds)); // whoever reloads the rules of the machine may have dropped ours
    const ports = [port, ...(diskPort === undefined ? [] : [diskPort])];
    const ways = ports.map((one) => `${userId} . ${host} . ${one} timeout ${allowedSeconds}s`);
    await nft(`add element inet berth ${set} { ${ways.join(', ')} }`);
  }
}

/** The same again changes nothing. Packets that belong to no process of theirs never come to the second chain. */
function rulesOf({ first, count }: UserIds): string {
  const allow = (family: string, set: string): string =>
    `add rule inet berth vmms meta skuid . ${family} daddr . tcp dport @${set} accept`;
  return [
    'add table inet berth',
    'add set inet berth moves4 { type uid . ipv4_addr . inet_service; flags timeout; }',
    'add set inet berth moves6 { type uid . ipv6_addr . inet_service; flags timeout; }',
    'add chain inet berth vmms',
    'add chain inet berth output { type filter hook output priority filter; policy accept; }',
    'flush chain inet berth output',
    'flush chain inet berth vmms',
    `add rule inet berth output meta skuid ${first}-${first + count - 1} jump vmms`,
    'add rule inet berth vmms tcp flags & (fin | syn | rst | ack) != syn accept',
    allow('ip', 'moves4'),
    allow('ip6', 'moves6'),
    'add rule inet berth vmms meta l4proto tcp reject with tcp reset',
    'add rule inet berth vmms drop',
  ].join('\n');
}

async function nft(script: string): Promise<void> {
  const running = promisify(execFile)(nftPath, ['-f', '-'], { timeout: runTimeoutMs });
  running.child.stdin?.end(script);
  await running;
}

/** Connects to a server made for it, as that user. */
async function isRefused(userId: number): Promise<boolean> {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connect = `use Socket; socket(my $s, AF_INET, SOCK_STREAM, 0) or exit 1;
    exit(connect($s, sockaddr_in(${port}, INADDR_LOOPBACK)) ? 0 : $!{ECONNREFUSED} ? ${refusedCode} : 1);`;
  const user = ['--reuid', `${userId}`, '--regid', `${userId}`, '--clear-groups', '--'];
  try {
    const args = [...user, perlPath, '-MErrno', '-e', connect];
    await promisify(execFile)(setprivPath, args, { timeout: runTimeoutMs });
    return false;
  } catch (error) {
    return (error as { code?: unknown }).code === refusedCode;
  } finally {
    server.close();
  }
}
