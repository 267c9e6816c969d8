import { ipKey } from '../query/ip.ts';

/** Where an address is, as far as a database says. */
export interface Location {
  /** In degrees. */
  readonly latitude?: number;
  readonly longitude?: number;
  /** How far the true place may be from that, in kilometres. */
  readonly accuracyKm?: number;
  /** ISO 3166-1, two letters. */
  readonly country?: string;
  /** Number of the autonomous system that the address belongs to. */
  readonly asn?: number;
  /** Whether it is an exit of a VPN, a proxy or Tor: where who uses it is, it does not say. */
  readonly isAnonymous?: boolean;
}

/**
 * Says where an address is; undefined when nothing is known. Asked for each event that a rule needs it for: it has to be
 * fast, and to answer the same as long as it lives. What is no address is unknown.
 */
export type Locate = (address: string) => Location | undefined;

/** A place on the earth. */
export interface Place {
  readonly latitude: number;
  readonly longitude: number;
  readonly accuracyKm: number;
}

const meanRadiusKm = 6371.0088;
const radians = Math.PI / 180;

/** Kilometres between two places along the great circle, at the least: what both may be off by is taken off. */
export function leastDistanceKm(a: Place, b: Place): number {
  const latitude = Math.sin(((b.latitude - a.latitude) * radians) / 2) ** 2;
  const longitude = Math.sin(((b.longitude - a.longitude) * radians) / 2) ** 2;
  const share = latitude + Math.cos(a.latitude * radians) * Math.cos(b.latitude * radians) * longitude;
  const distance = 2 * meanRadiusKm * Math.asin(Math.min(1, Math.sqrt(share)));
  return Math.max(0, distance - a.accuracyKm - b.accuracyKm);
}

/** What addresses of one network have in common: the first 16 bits of IPv4, the first 32 of IPv6. Undefined for no address. */
export function networkOf(address: string): string | undefined {
  const key = ipKey(address);
  if (key === undefined) return undefined;
  return key.startsWith(v4Prefix) ? key.slice(0, v4Prefix.length + 4) : key.slice(0, 8);
}

/** What the keys of IPv4 addresses begin with. */
const v4Prefix = `${'0'.repeat(20)}ffff`;
