import { createHash, timingSafeEqual } from 'node:crypto';
import {
  type CreatedToken,
  type NewToken,
  newTokenSchema,
  SealtrailError,
  type Token,
} from '@sealtrail/core';
import type { StoredToken, TokenStore } from '../ports.ts';
import { randomText } from './random-text.ts';

/** 5 bits a character. */
const idCharacters = 16;
const secretCharacters = 52;
const maxSecretLength = 512;

/** What can stand behind `Bearer` (RFC 6750 section 2.1), and is long enough. */
export const tokenSecret: RegExp = new RegExp(`^(?=.{8,${maxSecretLength}}$)[A-Za-z0-9._~+/-]+=*$`);
export const expectedSecret: string = `expected a token of 8 to ${maxSecretLength} letters, digits and . _ ~ + / -, and = at the end`;

export interface TokensOptions {
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array;
}

/** Bearer tokens: made, found by their secret, revoked. All are in memory; the store keeps their hashes. */
export class Tokens {
  readonly #store: TokenStore;
  readonly #options: TokensOptions;
  readonly #byHash: Map<string, StoredToken> = new Map();
  /** By the ids of tokens. */
  readonly #hashes: Map<string, string> = new Map();

  constructor(store: TokenStore, options: TokensOptions) {
    this.#store = store;
    this.#options = options;
    for (const stored of store.all()) this.#remember(stored);
  }

  list(): readonly Token[] {
    return [...this.#byHash.values()].map(({ token }) => token);
  }

  /**
   * The token of a secret, or undefined when there is none, or none any more. The look-up is by hash, of which a caller
   * cannot choose a prefix; the comparison is constant in time all the same.
   */
  find(secret: string): Token | undefined {
    if (secret.length > maxSecretLength) return undefined;
    const hash = sha256(secret);
    const stored = this.#byHash.get(hex(hash));
    if (!stored || !timingSafeEqual(stored.hash, hash)) return undefined;
    return this.#isValid(stored.token) ? stored.token : undefined;
  }

  /** Whether a token that was found before is still valid. */
  isStillValid({ id }: Token): boolean {
    const stored = this.#byHash.get(this.#hashes.get(id) ?? '');
    return stored !== undefined && this.#isValid(stored.token);
  }

  /** Whether there is, or ever was, a token of this secret: one that has ended never becomes valid again. */
  isKnown(secret: string): boolean {
    return this.#byHash.has(hex(sha256(secret)));
  }

  #isValid({ revokedAt, expiresAt }: Token): boolean {
    return revokedAt === null && (expiresAt === null || Date.parse(expiresAt) > this.#options.now());
  }

  /**
   * Thinks of a token; its secret is in the answer and nowhere else. It opens nothing before it is added.
   *
   * @throws SealtrailError invalid_configuration, when the secret is none
   */
  make(wanted: NewToken, secret: string = `stk_${this.#randomText(secretCharacters)}`): CreatedToken {
    if (!tokenSecret.test(secret)) throw new SealtrailError('invalid_configuration', expectedSecret);
    const { name, role, trails, tenants, expiresAt } = newTokenSchema.parse(wanted);
    return {
      id: `tok_${this.#randomText(idCharacters)}`,
      name,
      role,
      trails,
      tenants,
      createdAt: this.#nowText(),
      expiresAt: expiresAt ?? null,
      revokedAt: null,
      secret,
    };
  }

  /** Stores a token, by the hash of its secret: from now on it is valid. @throws SealtrailError storage_unavailable */
  add(created: CreatedToken): CreatedToken {
    const { secret, ...token } = created;
    const stored = { token, hash: sha256(secret) };
    this.#store.add(stored);
    this.#remember(stored);
    return created;
  }

  #remember(stored: StoredToken): void {
    const hash = hex(stored.hash);
    this.#byHash.set(hash, stored);
    this.#hashes.set(stored.token.id, hash);
  }

  /**
   * Ends a token for good.
   *
   * @param isReached whether the caller may know of it
   * @throws SealtrailError token_not_found | storage_unavailable
   */
  revoke(id: string, isReached: (token: Token) => boolean = () => true): Token {
    const stored = this.#byHash.get(this.#hashes.get(id) ?? '');
    if (!stored || !isReached(stored.token)) throw new SealtrailError('token_not_found');
    const token = { ...stored.token, revokedAt: stored.token.revokedAt ?? this.#nowText() };
    this.#store.revoke(id, token.revokedAt);
    this.#remember({ ...stored, token });
    return token;
  }

  #nowText(): string {
    return new Date(this.#options.now()).toISOString();
  }

  #randomText(characters: number): string {
    return randomText(this.#options.random(characters));
  }
}

const sha256 = (secret: string): Buffer => createHash('sha256').update(secret).digest();
const hex = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');
