import type { CreatedToken, NewToken } from '@sealtrail/core';
import { beforeEach, describe, expect, it } from 'vitest';
import type { StoredToken, TokenStore } from '../ports.ts';
import { codeOf } from '../testing/code-of.ts';
import { Tokens } from './tokens.ts';

/** A store that forgets with the test. */
class MemoryTokenStore implements TokenStore {
  readonly stored: StoredToken[] = [];

  all(): readonly StoredToken[] {
    return this.stored;
  }

  add(token: StoredToken): void {
    this.stored.push(token);
  }

  revoke(id: string, revokedAt: string): void {
    const at = this.stored.findIndex(({ token }) => token.id === id);
    const { token, hash } = this.stored[at]!;
    this.stored[at] = { token: { ...token, revokedAt }, hash };
  }
}

const wanted: NewToken = { name: 'ci', role: 'ingest' };

describe('Tokens', () => {
  let store: MemoryTokenStore;
  let nowMs: number;
  let tokens: Tokens;
  const open = (): Tokens =>
    new Tokens(store, { now: () => nowMs, random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)) });
  const created = (...given: Parameters<Tokens['make']>): CreatedToken => tokens.add(tokens.make(...given));
  beforeEach(() => {
    store = new MemoryTokenStore();
    nowMs = Date.UTC(2026, 0, 31);
    tokens = open();
  });

  it('finds a token by its secret, and by nothing else', () => {
    const { secret, ...token } = created(wanted);
    expect(tokens.find(secret)).toEqual(token);
    for (const other of ['', secret.slice(0, -1), `${secret}x`, secret.toUpperCase(), token.id])
      expect(tokens.find(other)).toBeUndefined();
    expect(tokens.find(Buffer.from(store.stored[0]!.hash).toString('hex'))).toBeUndefined();
  });

  it('keeps no secret', () => {
    const { secret } = created(wanted);
    expect(JSON.stringify([tokens.list(), store.stored])).not.toContain(secret);
  });

  it('makes secrets that nobody guesses, all different', () => {
    const secrets = Array.from({ length: 100 }, () => created(wanted).secret);
    expect(new Set(secrets).size).toBe(100);
    // 52 characters of 5 bits each.
    for (const secret of secrets) expect(secret).toMatch(/^stk_[a-z2-7]{52}$/);
  });

  it('gives a token all trails and tenants unless it is limited', () => {
    expect(created(wanted)).toMatchObject({ trails: ['*'], tenants: ['*'], expiresAt: null });
  });

  it('ends a token at its time', () => {
    const { secret, ...token } = created({ ...wanted, expiresAt: '2026-01-31T01:00:00+01:00' });
    expect(tokens.find(secret)).toBeUndefined();
    nowMs--;
    expect(tokens.find(secret)).toEqual(token);
    expect(tokens.isStillValid(token)).toBe(true);
    nowMs++;
    expect(tokens.isStillValid(token)).toBe(false);
  });

  it('ends a token that is revoked, for good', () => {
    const { secret, ...token } = created(wanted);
    const { revokedAt } = tokens.revoke(token.id);
    expect(tokens.find(secret)).toBeUndefined();
    expect(tokens.isStillValid(token)).toBe(false);
    nowMs += 1000;
    expect(tokens.revoke(token.id).revokedAt).toBe(revokedAt);
    expect(open().find(secret)).toBeUndefined();
  });

  it('finds a token again after a restart', () => {
    const { secret, ...token } = created(wanted);
    expect(open().find(secret)).toEqual(token);
  });

  it('knows nothing of a token that is not there, or out of reach', () => {
    const { id, secret } = created(wanted);
    expect(() => tokens.revoke('tok_x')).toThrow(expect.objectContaining({ code: 'token_not_found' }));
    expect(() => tokens.revoke(id, () => false)).toThrow(
      expect.objectContaining({ code: 'token_not_found' }),
    );
    expect(tokens.find(secret)).toBeDefined();
  });

  it('takes no short secret, and none that is too long', () => {
    for (const secret of ['', 'x'.repeat(7), 'x'.repeat(513), `${'x'.repeat(512)}=`])
      expect(() => created(wanted, secret)).toThrow(
        expect.objectContaining({ code: 'invalid_configuration' }),
      );
  });

  it.each([
    'tooshrt',
    'x'.repeat(513),
    'correct horse battery $taple',
    'schlüssel-schlüssel',
    'line\nline-line-line',
  ])('takes no secret that no header can carry: %j', (secret) => {
    expect(codeOf(() => tokens.make(wanted, secret))).toBe('invalid_configuration');
  });

  it.each(['x'.repeat(8), 'x'.repeat(512), 'c2VjcmV0LXRva2Vu+/==', 'chosen.by_the~operator'])(
    'takes %s',
    (secret) => {
      created(wanted, secret);
      expect(tokens.find(secret)).toBeDefined();
    },
  );

  it('knows a secret also after its token has ended', () => {
    const { id, secret } = created(wanted);
    tokens.revoke(id);
    expect([tokens.isKnown(secret), open().isKnown(secret), tokens.isKnown(`${secret}x`)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(tokens.isStillValid(tokens.list()[0]!)).toBe(false);
  });
});
