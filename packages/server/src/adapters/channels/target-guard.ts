import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { type IpRange, ipKey, proxyRange, SealtrailError } from '@sealtrail/core';
import type { TargetRules } from '../../channel-ports.ts';
import { isPublicAddress, isWithin } from './public-address.ts';

const hostName = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/;

/** That a channel leads to where it may not. Its message is for people, and names no address. */
export class TargetRefused extends Error {
  override readonly name = 'TargetRefused';
}

/** Looks up all addresses of a name. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

const refused = 'it leads to an address that is not public; name it among the allowed targets if it is meant';

/**
 * Keeps channels from being used to reach what only this server can reach: loopback, private and link-local networks,
 * services of the cloud it runs in. Names are looked up here, and the addresses that are judged are the ones connected to:
 * a name that leads elsewhere a moment later has no moment in which to do so.
 */
export class TargetGuard implements TargetRules {
  readonly #names: ReadonlySet<string>;
  readonly #ranges: readonly IpRange[];
  readonly #resolve: Resolve;

  /**
   * @param allowed host names, addresses and CIDR ranges that are allowed although they are, or lead to, no public address
   * @throws SealtrailError invalid_configuration
   */
  constructor(
    allowed: readonly string[],
    resolve: Resolve = (host) => lookup(host, { all: true, order: 'verbatim' }),
  ) {
    const ranges = allowed.map((text) => proxyRange(text));
    this.#ranges = ranges.filter((range) => range !== undefined);
    const names = allowed.filter((_, i) => ranges[i] === undefined).map(normalized);
    if (!names.every((name) => hostName.test(name) && !/^[\d.]+$/.test(name)))
      throw new SealtrailError(
        'invalid_configuration',
        'allowedTargets: expected host names, addresses and CIDR ranges such as hooks.internal or 10.0.0.0/8',
      );
    this.#names = new Set(names);
    this.#resolve = resolve;
  }

  refusal(host: string): string | undefined {
    const name = normalized(host);
    if (this.#names.has(name)) return undefined;
    const key = ipKey(name);
    if (key !== undefined) return this.#isAllowed(key) ? undefined : refused;
    return name === 'localhost' || name.endsWith('.localhost') ? this.#refusalOfLoopback() : undefined;
  }

  /**
   * The addresses that a host may be connected at. One that is not allowed among them refuses all: what is public only in
   * part is a mistake or a trick.
   *
   * @throws TargetRefused; what looking up throws
   */
  async addressesOf(host: string): Promise<readonly LookupAddress[]> {
    const refusal = this.refusal(host);
    if (refusal !== undefined) throw new TargetRefused(refusal);
    const name = normalized(host);
    const key = ipKey(name);
    if (key !== undefined) return [{ address: name, family: name.includes(':') ? 6 : 4 }];
    const found = await this.#resolve(name);
    if (found.length === 0) throw Object.assign(new Error('no address'), { code: 'ENOTFOUND' });
    if (!this.#names.has(name) && !found.every(({ address }) => this.#allows(address)))
      throw new TargetRefused(refused);
    return found;
  }

  /** {@link addressesOf} as sockets call it. They do not for a host that is an address already: see {@link refusal}. */
  readonly lookup: LookupFunction = (host, { all, family }, callback) => {
    this.addressesOf(host).then(
      (found) => {
        const wanted = found.filter(
          (one) => !family || one.family === Number(String(family).replace('IPv', '')),
        );
        const [first] = wanted;
        if (first === undefined)
          callback(Object.assign(new Error('no address of this family'), { code: 'ENOTFOUND' }), '');
        else if (all) callback(null, [...wanted]);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, ''),
    );
  };

  #allows(address: string): boolean {
    // A zone (RFC 4007) says which link an address is on, and public addresses are on none.
    const key = ipKey(address);
    return key !== undefined && this.#isAllowed(key);
  }

  #isAllowed(key: string): boolean {
    return isPublicAddress(key) || this.#ranges.some((range) => isWithin(key, range));
  }

  #refusalOfLoopback(): string | undefined {
    return this.#allows('127.0.0.1') || this.#allows('::1') ? undefined : refused;
  }
}

/** As names are compared: in lower case, without the dot at the end, an IPv6 address without brackets. */
const normalized = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
