import { cidrRange, cidrText, ipKey } from '../query/ip.ts';
import { RuleError } from './rule-error.ts';

/** A network as a rule names it. */
export interface Network {
  /** Canonical CIDR notation. */
  readonly text: string;
  /** Whether an address lies in it; what is no address does not. An IPv4-mapped IPv6 address is the IPv4 address. */
  readonly holds: (address: string) => boolean;
}

/** What the keys of IPv4 addresses begin with. */
const v4Prefix = ipKey('0.0.0.0')!.slice(0, 24);
const isV4 = (key: string): boolean => key.startsWith(v4Prefix);

/** Reads a network; an address alone is a network of one. @throws RuleError also when bits of the host are set */
export function parseNetwork(written: string): Network {
  const text = written.includes('/') ? written : `${written}/${written.includes(':') ? 128 : 32}`;
  const canonical = cidrText(text);
  const range = cidrRange(text);
  if (canonical === undefined || range === undefined)
    throw new RuleError('expected an IPv4 or IPv6 network, such as 10.0.0.0/8');
  const { first, last } = range;
  if (ipKey(text.slice(0, text.indexOf('/'))) !== first)
    throw new RuleError(
      `expected no bits set behind the prefix of the network; perhaps ${canonical} is meant`,
    );
  const family = isV4(first) && isV4(last);
  return {
    text: canonical,
    holds(address) {
      const key = ipKey(address);
      return key !== undefined && key >= first && key <= last && isV4(key) === family;
    },
  };
}
