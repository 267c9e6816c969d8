import { SealtrailError } from './errors.ts';
import { cidrRange, type IpRange, ipKey, ipText } from './query/ip.ts';

/** Hops looked at in a header, which anyone can write into. */
const MAX_HOPS = 64;

/** Finds the address of the client from that of the peer of a connection, and from what proxies say in headers. */
export type ClientAddress = (
  peer: string | undefined,
  header?: (name: string) => string | undefined,
) => string | undefined;

/**
 * Compiles the addresses and CIDR ranges of trusted proxies.
 *
 * Every proxy appends the address it was called from, so a header is read from its right end: as long as the hop that
 * reported an address is trusted, that address is believed. What stands further left was written by whoever came
 * first, and is ignored. The header is X-Forwarded-For or, where there is none, Forwarded (RFC 7239): never both, since a
 * proxy that writes one of them passes on what a client has put into the other.
 *
 * @throws SealtrailError invalid_configuration
 */
export function compileClientAddress(trustProxy: readonly string[]): ClientAddress {
  const trusted = trustProxy.map((text) => {
    const range = proxyRange(text);
    if (range) return { ...range, isIpv6: isIpv6(ipText(range.first)) };
    throw new SealtrailError('invalid_configuration', `trustProxy: ${expectedProxyRange}, got "${text}"`);
  });
  const isTrusted = (address: string): boolean => {
    const key = ipKey(address)!;
    // An IPv6 range does not hold IPv4 addresses, though the keys of these lie within that of ::/0.
    return trusted.some(
      (range) => range.isIpv6 === isIpv6(address) && key >= range.first && key <= range.last,
    );
  };

  return (peer, header) => {
    let address = peer === undefined ? undefined : normalizeAddress(peer);
    if (address === undefined || !header || !isTrusted(address)) return address;
    const hops = reportedHops(header);
    for (let i = hops.length - 1; i >= 0 && isTrusted(address); i--) {
      // Not an address ("unknown", a name): the hop that reported it is the last thing known.
      const reported = parseHop(hops[i]);
      if (reported === undefined) break;
      address = reported;
    }
    return address;
  };
}

/** The addresses of a trusted proxy, or several: one address or a CIDR range; undefined when the text is neither. */
export function proxyRange(text: string): IpRange | undefined {
  return cidrRange(text.includes('/') ? text : `${text}/${isIpv6(text) ? 128 : 32}`);
}

/** What {@link proxyRange} takes, for messages. */
export const expectedProxyRange = 'expected addresses and CIDR ranges such as 10.0.0.0/8 or ::1';

/**
 * An IP address in the one form events carry: IPv4 in dots, also when it came mapped into IPv6 (`::ffff:192.0.2.1`, as
 * dual-stack sockets give it); IPv6 in lower case, compressed, without zone, which means something on one machine only.
 * Undefined when it is none.
 */
export function normalizeAddress(text: string): string | undefined {
  const key = ipKey(text.split('%', 1)[0]!);
  return key === undefined ? undefined : ipText(key);
}

const isIpv6 = (address: string): boolean => address.includes(':');

/** What the last hops reported, from the first of them to the last; undefined for one that reported no address. */
function reportedHops(header: (name: string) => string | undefined): (string | undefined)[] {
  const list = header('x-forwarded-for');
  if (list !== undefined) return list.split(',').slice(-MAX_HOPS);
  // Quotation marks are no shelter for commas: those that a client leaves open must not swallow what proxies append.
  return (header('forwarded')?.split(',') ?? []).slice(-MAX_HOPS).map(forwardedFor);
}

/** The parameter `for` of one element of Forwarded, when it has just one (RFC 7239 sections 4 and 6). */
function forwardedFor(element: string): string | undefined {
  const values = element.split(';').flatMap((pair) => {
    const equals = pair.indexOf('=');
    return pair.slice(0, Math.max(0, equals)).trim().toLowerCase() === 'for'
      ? [pair.slice(equals + 1).trim()]
      : [];
  });
  return values.length === 1 ? values[0]!.replace(/^"(.*)"$/s, '$1') : undefined;
}

/** A hop: an address, with a port where a proxy adds one (`192.0.2.1:80`, `[2001:db8::1]:80`). */
function parseHop(text: string | undefined): string | undefined {
  const hop = text?.trim() ?? '';
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(hop);
  if (bracketed) return normalizeAddress(bracketed[1]!);
  const withPort = /^([\d.]+):\d{1,5}$/.exec(hop);
  return normalizeAddress(withPort ? withPort[1]! : hop);
}
