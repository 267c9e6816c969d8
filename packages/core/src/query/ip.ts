/**
 * IP addresses as keys: 32 hexadecimal digits of the 128-bit address, so that text order is address order and every
 * spelling of an address has the same key. An IPv4 address has the key of its IPv4-mapped IPv6 address
 * (RFC 4291 section 2.5.5.2), so 10.0.0.1 and ::ffff:10.0.0.1 are one address and `::/0` holds every address.
 */

const MAPPED = '00000000000000000000ffff';
const octet = /^(?:0|[1-9]\d{0,2})$/;
const group = /^[0-9a-f]{1,4}$/i;

/** The key of an address, undefined when the text is none. Zones (`%eth0`) are not accepted. */
export function ipKey(text: string): string | undefined {
  if (text.length > 45) return undefined;
  return text.includes(':') ? keyOfV6(text) : keyOfV4(text);
}

/** The canonical text of a key: dotted for IPv4, RFC 5952 for IPv6. */
export function ipText(key: string): string {
  if (key.startsWith(MAPPED)) {
    const octets = [24, 26, 28, 30].map((at) => Number.parseInt(key.slice(at, at + 2), 16));
    return octets.join('.');
  }
  const groups: string[] = [];
  for (let at = 0; at < 32; at += 4) groups.push(Number.parseInt(key.slice(at, at + 4), 16).toString(16));
  const run = longestZeroRun(groups);
  if (run.length < 2) return groups.join(':');
  const head = groups.slice(0, run.start).join(':');
  const tail = groups.slice(run.start + run.length).join(':');
  return `${head}::${tail}`;
}

/** First and last address of a network, as keys. */
export interface IpRange {
  readonly first: string;
  readonly last: string;
}

/** A network in CIDR notation (RFC 4632, RFC 4291 section 2.3), undefined when the text is none. */
export function cidrRange(text: string): IpRange | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = text.slice(0, slash);
  const key = ipKey(address);
  const length = text.slice(slash + 1);
  if (key === undefined || !octet.test(length)) return undefined;
  const bits = Number(length) + (address.includes(':') ? 0 : 96);
  if (bits > 128) return undefined;
  const value = BigInt(`0x${key}`);
  const hostMask = (1n << BigInt(128 - bits)) - 1n;
  const first = value & ~hostMask;
  return { first: hex128(first), last: hex128(first | hostMask) };
}

/** The canonical text of a network: host bits cleared, an IPv4-mapped network as IPv4. */
export function cidrText(text: string): string | undefined {
  const range = cidrRange(text);
  if (range === undefined) return undefined;
  const bits =
    128 - (BigInt(`0x${range.first}`) ^ BigInt(`0x${range.last}`)).toString(2).replace(/^0$/, '').length;
  const address = ipText(range.first);
  return `${address}/${address.includes(':') ? bits : bits - 96}`;
}

function hex128(value: bigint): string {
  return value.toString(16).padStart(32, '0');
}

function keyOfV4(text: string): string | undefined {
  const low = hexOfV4(text);
  return low === undefined ? undefined : MAPPED + low;
}

function hexOfV4(text: string): string | undefined {
  const octets = text.split('.');
  if (octets.length !== 4) return undefined;
  let hex = '';
  for (const part of octets) {
    if (!octet.test(part) || Number(part) > 255) return undefined;
    hex += Number(part).toString(16).padStart(2, '0');
  }
  return hex;
}

function keyOfV6(text: string): string | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  // `::` stands for at least one group of zeros.
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  return [...head, ...Array<string>(missing).fill('0000'), ...tail].join('');
}

// The last two groups may be written as an IPv4 address (RFC 4291 section 2.2).
function groupsOf(text: string, last: boolean): string[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: string[] = [];
  for (const [i, part] of parts.entries()) {
    if (last && i === parts.length - 1 && part.includes('.')) {
      const hex = hexOfV4(part);
      if (hex === undefined) return undefined;
      groups.push(hex.slice(0, 4), hex.slice(4));
    } else {
      if (!group.test(part)) return undefined;
      groups.push(part.toLowerCase().padStart(4, '0'));
    }
  }
  return groups;
}

function longestZeroRun(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let i = 0; i <= groups.length; i++) {
    if (groups[i] === '0') continue;
    if (i - start > best.length) best = { start, length: i - start };
    start = i + 1;
  }
  return best;
}
