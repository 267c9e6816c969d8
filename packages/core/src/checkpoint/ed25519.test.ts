import { createHash, createPublicKey, verify as nodeVerify } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type Ed25519Verify,
  ed25519PublicKey,
  ed25519Sign,
  ed25519Verifier,
  isUsableKey,
} from './ed25519.ts';

const seed = new Uint8Array(32).fill(9);
const publicKey = ed25519PublicKey(seed);
const message = new TextEncoder().encode('message');
const signature = ed25519Sign(message, seed);

const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const native: Ed25519Verify = (sig, msg, key) => {
  const der = Buffer.concat([spkiPrefix, key]);
  return nodeVerify(null, msg, createPublicKey({ key: der, format: 'der', type: 'spki' }), sig);
};

describe('ed25519Verifier', () => {
  it.each([
    ['strict', undefined],
    ['with a native implementation', native],
  ])('accepts the signature of the key on the message and no other: %s', (_, implementation) => {
    const verify = ed25519Verifier(publicKey, implementation);
    expect(verify(signature, message)).toBe(true);
    expect(verify(signature, message.subarray(1))).toBe(false);
    const otherKey = ed25519PublicKey(new Uint8Array(32));
    expect(ed25519Verifier(otherKey, implementation)(signature, message)).toBe(false);
    for (let i = 0; i < 64; i++) {
      const wrong = signature.slice();
      wrong[i]! ^= 1;
      expect(verify(wrong, message)).toBe(false);
    }
  });

  it('refuses signatures of another length without looking at them', () => {
    const verify = ed25519Verifier(publicKey, () => true);
    expect(verify(signature.subarray(1), message)).toBe(false);
    expect(verify(new Uint8Array(65), message)).toBe(false);
  });

  it('trusts nothing under a key that is no key, whatever the native implementation says', () => {
    const identity = Uint8Array.of(1, ...new Uint8Array(31));
    for (const key of [identity, new Uint8Array(32), new Uint8Array(32).fill(0xff), publicKey.subarray(1)]) {
      expect(isUsableKey(key)).toBe(false);
      expect(ed25519Verifier(key, () => true)(signature, message)).toBe(false);
    }
    expect(isUsableKey(publicKey)).toBe(true);
  });
});

const vectors = new URL('../../../../../shared/vectors/tlog/cctv-ed25519-edge-cases.json', import.meta.url);

describe.skipIf(!existsSync(vectors))(
  'CCTV Ed25519 edge cases (skipped where the shared folder is absent)',
  () => {
    interface Case {
      number: number;
      key: string;
      sig: string;
      msg: string;
      flags: string[] | null;
    }
    const load = () => {
      const cases: Case[] = JSON.parse(readFileSync(vectors, 'utf8'));
      return cases.map(({ number, key, sig, msg, flags }) => ({
        number,
        flags: flags ?? [],
        key: new Uint8Array(Buffer.from(key, 'hex')),
        signature: new Uint8Array(Buffer.from(sig, 'hex')),
        message: new TextEncoder().encode(msg),
      }));
    };

    it('have one verdict, with and without a native implementation', () => {
      const accepted: number[] = [];
      for (const { number, key, signature: sig, message: msg } of load()) {
        const strict = ed25519Verifier(key)(sig, msg);
        expect(ed25519Verifier(key, native)(sig, msg), `case ${number}`).toBe(strict);
        if (strict) accepted.push(number);
      }
      // Pinned: a new release of the curve library must not change what is a valid signature unnoticed.
      expect(accepted).toHaveLength(212);
      expect(createHash('sha256').update(accepted.join()).digest('hex')).toBe(
        '0fbe087d976dfc39c5e287f9928bbe4f1c2885d7a5bba223d781c81cc6164ae0',
      );
    });

    it('never accept a key of small order or an encoding that is not canonical', () => {
      const refused = new Set(['low_order_A', 'non_canonical_A', 'non_canonical_R']);
      for (const { flags, key, signature: sig, message: msg } of load())
        if (flags.some((flag) => refused.has(flag))) expect(ed25519Verifier(key)(sig, msg)).toBe(false);
    });
  },
);
