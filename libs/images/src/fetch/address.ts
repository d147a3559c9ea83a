import { BlockList, isIP } from 'node:net';

/** IANA's special-purpose registries: nothing there is a server on the public internet. */
const closed: readonly [network: string, prefix: number][] = [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier-grade NAT
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local: metadata services
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3], // multicast, reserved, broadcast
];
/** Only 2000::/3 is handed out; within it, what carries another address inside, and documentation. */
const open6 = ['2000::', 3] as const;
const closed6: readonly [network: string, prefix: number][] = [
  ['2001::', 23], // Teredo and protocol assignments
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4
  ['3fff::', 20],
];

const refused = listOf(closed, 'ipv4');
const opened6 = listOf([open6], 'ipv6');
const refused6 = listOf(closed6, 'ipv6');

/** Whether an address is one that anybody on the internet could reach. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !refused.check(address, 'ipv4');
  return isIP(address) === 6 && opened6.check(address, 'ipv6') && !refused6.check(address, 'ipv6');
}

/** `10.0.0.0/8,fd00::/8` @throws Error for what is no network */
export function networksOf(text: string): (address: string) => boolean {
  const list = new BlockList();
  for (const network of text.split(',').filter(Boolean)) {
    const [address = '', prefix = ''] = network.split('/');
    const family = isIP(address);
    if (family === 0 || !/^\d{1,3}$/.test(prefix)) throw new Error(`${network} is no network such as 10.0.0.0/8`);
    list.addSubnet(address, Number(prefix), `ipv${family as 4 | 6}`);
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

function listOf(networks: readonly (readonly [string, number])[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, family);
  return list;
}
