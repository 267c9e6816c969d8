import { BlockList, isIP, isIPv4, SocketAddress } from 'node:net';
import { SealtrailError } from '@sealtrail/core';

/** Hops looked at in X-Forwarded-For, which anyone can write into. */
const MAX_HOPS = 64;

/** Finds the address of the client from that of the peer and the X-Forwarded-For header. */
export type ClientAddress = (
  peer: string | undefined,
  forwardedFor: string | undefined,
) => string | undefined;

/**
 * Compiles the addresses and CIDR ranges of trusted proxies.
 *
 * Every proxy appends the address it was called from, so the header is read from its right end: as long as the hop that
 * reported an address is trusted, that address is believed. What stands further left was written by whoever came
 * first, and is ignored.
 *
 * @throws SealtrailError invalid_configuration
 */
export function compileClientAddress(trustProxy: readonly string[]): ClientAddress {
  const trusted = new BlockList();
  for (const range of trustProxy) addRange(trusted, range);
  const isTrusted = (address: string): boolean => trusted.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');

  return (peer, forwardedFor) => {
    let address = peer === undefined ? undefined : normalizeAddress(peer);
    if (address === undefined || forwardedFor === undefined) return address;
    const hops = forwardedFor.split(',');
    const last = Math.max(0, hops.length - MAX_HOPS);
    for (let i = hops.length - 1; i >= last && isTrusted(address); i--) {
      const reported = parseHop(hops[i]!);
      // Not an address ("unknown", a name): the hop that reported it is the last thing known.
      if (reported === undefined) break;
      address = reported;
    }
    return address;
  };
}

/**
 * An IP address in the one form events carry: IPv4 in dots, also when it came mapped into IPv6 (`::ffff:192.0.2.1`, as
 * dual-stack sockets give it); IPv6 in lower case, compressed, without zone. Undefined when it is none.
 */
export function normalizeAddress(text: string): string | undefined {
  const withoutZone = text.split('%', 1)[0]!;
  const version = isIP(withoutZone);
  if (version === 4) return withoutZone;
  if (version !== 6) return undefined;
  const { address } = new SocketAddress({ address: withoutZone, family: 'ipv6' });
  const mapped = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : '';
  return isIPv4(mapped) ? mapped : address;
}

/** One element of X-Forwarded-For: an address, with a port where a proxy adds one (`192.0.2.1:80`, `[2001:db8::1]:80`). */
function parseHop(text: string): string | undefined {
  const hop = text.trim();
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(hop);
  if (bracketed) return normalizeAddress(bracketed[1]!);
  const withPort = /^([\d.]+):\d{1,5}$/.exec(hop);
  return normalizeAddress(withPort ? withPort[1]! : hop);
}

function addRange(list: BlockList, range: string): void {
  const [address = '', bits, ...rest] = range.split('/');
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
  if (version === 0 || rest.length > 0 || prefix < 0 || prefix > most) {
    throw new SealtrailError(
      'invalid_configuration',
      `trustProxy: expected addresses and CIDR ranges such as 10.0.0.0/8 or ::1, got "${range}"`,
    );
  }
  // Peers are compared in normal form, in which mapped addresses do not occur.
  if (version === 6 && normalizeAddress(address)?.includes('.')) {
    throw new SealtrailError('invalid_configuration', `trustProxy: write "${range}" as an IPv4 range`);
  }
  list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6');
}
