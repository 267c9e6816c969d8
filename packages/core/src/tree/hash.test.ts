import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/code-of.ts';
import { createTreeHasher, equalBytes } from './hash.ts';

const hasher = createTreeHasher();
const native = createTreeHasher((data) => createHash('sha256').update(data).digest());

function reference(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest());
}

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('createTreeHasher', () => {
  it('separates leaves and nodes by their first byte', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), hash, hash, (entry, left, right) => {
        expect(hasher.leafHash(entry)).toEqual(reference(Uint8Array.of(0), entry));
        expect(hasher.nodeHash(left, right)).toEqual(reference(Uint8Array.of(1), left, right));
      }),
    );
  });

  it('gives the same hashes with an injected SHA-256', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), hash, hash, (entry, left, right) => {
        expect(equalBytes(native.leafHash(entry), hasher.leafHash(entry))).toBe(true);
        expect(equalBytes(native.nodeHash(left, right), hasher.nodeHash(left, right))).toBe(true);
      }),
    );
    expect(equalBytes(native.emptyRoot, hasher.emptyRoot)).toBe(true);
  });

  it('hashes entries on both sides of the scratch buffer size', () => {
    for (const length of [0, 65_534, 65_535, 65_536, 100_000]) {
      const entry = new Uint8Array(length).fill(0xa5);
      expect(hasher.leafHash(entry)).toEqual(reference(Uint8Array.of(0), entry));
    }
    // A short entry after a long one must not see the rest of it.
    expect(hasher.leafHash(Uint8Array.of(1))).toEqual(reference(Uint8Array.of(0, 1)));
  });

  it('gives hashes of their own, which later calls leave alone', () => {
    const first = hasher.leafHash(Uint8Array.of(1));
    const copy = first.slice();
    hasher.leafHash(Uint8Array.of(2));
    hasher.nodeHash(copy, copy);
    expect(first).toEqual(copy);
  });

  it('refuses children that are not 32 bytes', () => {
    const good = new Uint8Array(32);
    for (const bad of [new Uint8Array(31), new Uint8Array(33), new Uint8Array(0)]) {
      expect(codeOf(() => hasher.nodeHash(bad, good))).toBe('internal');
      expect(codeOf(() => hasher.nodeHash(good, bad))).toBe('internal');
    }
  });
});

describe('equalBytes', () => {
  it('compares content and length', () => {
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false);
  });
});
