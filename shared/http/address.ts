import { BlockList, isIP } from 'node:net';

const forbidden = new BlockList();
const loopback = new BlockList();
const globalV6 = new BlockList();

/** @see https://www.iana.org/assignments/iana-ipv4-special-registry */
const forbiddenV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** Parts of 2000::/3 that are no plain global address. @see https://www.iana.org/assignments/iana-ipv6-special-registry */
const forbiddenV6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

for (const [net, prefix] of forbiddenV4) forbidden.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of forbiddenV6) forbidden.addSubnet(net, prefix, 'ipv6');
globalV6.addSubnet('2000::', 3, 'ipv6');
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether an address is this machine's own loopback. */
export function isLoopback(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && loopback.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Whether an address may be called: global unicast only. Private, loopback, link-local (metadata services included),
 * unique-local, mapped, translated, documentation and multicast addresses are not, nor is anything that is no address.
 */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !forbidden.check(address, 'ipv4');
  return family === 6 && globalV6.check(address, 'ipv6') && !forbidden.check(address, 'ipv6');
}
