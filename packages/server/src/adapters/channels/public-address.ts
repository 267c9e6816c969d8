import { cidrRange, type IpRange } from '@sealtrail/core';

/**
 * Networks that are not of the public Internet, by the registries of special-purpose addresses (RFC 6890, IANA), and
 * addresses at which clouds tell a machine about itself outside of these.
 */
const special: readonly IpRange[] = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8',
  '100.64.0.0/10', // carriers' NAT; metadata of Alibaba Cloud
  '127.0.0.0/8',
  '168.63.129.16/32', // Azure's own service
  '169.254.0.0/16', // link-local; metadata of most clouds
  '172.16.0.0/12',
  '192.0.0.0/24', // protocol assignments; metadata of Oracle Cloud
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // relays of 6to4
  '192.168.0.0/16',
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved; broadcast
  '2001::/23', // protocol assignments, among them Teredo
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: an IPv4 address is in it
  '3fff::/20', // documentation
].map((text) => cidrRange(text)!);

/** Global unicast: of IPv6, nothing else is on the Internet. */
const globalUnicast = cidrRange('2000::/3')!;
const mappedIpv4 = cidrRange('::ffff:0:0/96')!;
/** NAT64 with the well-known prefix (RFC 6052): the last 32 bits are the IPv4 address that it leads to. */
const nat64 = cidrRange('64:ff9b::/96')!;

/** Whether an address is in a network. */
export const isWithin = (key: string, { first, last }: IpRange): boolean => key >= first && key <= last;

/**
 * Whether an address is one of the public Internet, by its key (see `ipKey` of core). An IPv4 address that is mapped into
 * IPv6 has the same key as itself.
 */
export function isPublicAddress(key: string): boolean {
  if (isWithin(key, nat64)) return isPublicAddress(mappedIpv4.first.slice(0, 24) + key.slice(24));
  if (!isWithin(key, mappedIpv4) && !isWithin(key, globalUnicast)) return false;
  return !special.some((range) => isWithin(key, range));
}
