import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/code-of.ts';
import { encodeBase64 } from './base64.ts';
import {
  formatSkey,
  formatVkey,
  generateKey,
  isKeyName,
  keyIdOf,
  keyTypes,
  parseSkey,
  parseVkey,
} from './key.ts';

const seed = new Uint8Array(32).fill(1);
const { skey, vkey } = generateKey('log.example/trail', seed);

/** A verifier key text with a right key id over any bytes. */
function vkeyText(name: string, type: number, publicKey: Uint8Array): string {
  const keyId = keyIdOf(name, type as 1, publicKey);
  return `${name}+${keyId}+${encodeBase64(Uint8Array.of(type, ...publicKey))}`;
}

describe('key pairs', () => {
  it('are texts that read back', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1 }).filter(isKeyName);
    const type = fc.constantFrom(keyTypes.ed25519, keyTypes.cosignature);
    fc.assert(
      fc.property(name, fc.uint8Array({ minLength: 32, maxLength: 32 }), type, (n, s, t) => {
        const pair = generateKey(n, s, t);
        const key = parseSkey(pair.skey);
        expect(key).toMatchObject({ name: n, type: t, seed: s });
        expect(formatSkey(key)).toBe(pair.skey);
        expect(parseVkey(pair.vkey)).toEqual({
          name: n,
          keyId: key.keyId,
          type: t,
          publicKey: key.publicKey,
        });
        expect(formatVkey(key)).toBe(pair.vkey);
      }),
      { numRuns: 30 },
    );
  });

  it('have another key id for another type, so a log key never passes for a witness key', () => {
    expect(parseVkey(generateKey('n', seed, 1).vkey).keyId).not.toBe(
      parseVkey(generateKey('n', seed, 4).vkey).keyId,
    );
  });

  it('are not made for a name that cannot be on a signature line, or a seed of another length', () => {
    for (const name of ['', 'a b', 'a\u00a0b', 'a\u2003b', 'a+b', 'a\nb', 'a\u0001', '\ud800'])
      expect(codeOf(() => generateKey(name, seed))).toBe('invalid_configuration');
    expect(codeOf(() => generateKey('n', seed.subarray(1)))).toBe('invalid_configuration');
  });
});

describe('parseVkey', () => {
  it('refuses every proper part of a key and every changed character', () => {
    for (let start = 0; start < vkey.length; start++)
      for (let end = start + 1; end <= vkey.length; end++)
        if (end - start < vkey.length)
          expect(codeOf(() => parseVkey(vkey.slice(start, end)))).toBe('invalid_note');
    for (let i = 0; i < vkey.length; i++) {
      const changed = vkey.slice(0, i) + String.fromCharCode(vkey.charCodeAt(i) + 1) + vkey.slice(i + 1);
      expect(codeOf(() => parseVkey(changed))).toBe('invalid_note');
    }
  });

  it('reads an ML-DSA-44 key, which is recognised but not verified', () => {
    const publicKey = new Uint8Array(1312).fill(5);
    expect(parseVkey(vkeyText('w', 0x06, publicKey))).toMatchObject({ name: 'w', type: 0x06, publicKey });
  });

  it('refuses other types and lengths even with a right key id', () => {
    const { publicKey } = parseVkey(vkey);
    expect(codeOf(() => parseVkey(vkeyText('n', 0x02, publicKey)))).toBe('invalid_note');
    expect(codeOf(() => parseVkey(vkeyText('n', 0x01, publicKey.subarray(1))))).toBe('invalid_note');
    expect(codeOf(() => parseVkey(vkeyText('n', 0x06, publicKey)))).toBe('invalid_note');
    expect(codeOf(() => parseVkey('n+00000000+'))).toBe('invalid_note');
  });

  it('refuses an Ed25519 key of small order', () => {
    const identity = Uint8Array.of(1, ...new Uint8Array(31));
    expect(codeOf(() => parseVkey(vkeyText('n', 0x01, identity)))).toBe('invalid_note');
  });

  it('refuses what is too long before looking at it', () => {
    expect(codeOf(() => parseVkey(`${'n'.repeat(5000)}${vkey}`))).toBe('invalid_note');
  });

  it('reading any text gives a key that formats to it, or invalid_note', () => {
    const piece = fc.constantFrom('n', '+', '0000000a', 'AQ==', vkey, ' ', 'PRIVATE+KEY', vkey.slice(5));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((parts) => parts.join('')),
        ),
        (text) => {
          let formatted: string | undefined;
          const code = codeOf(() => {
            formatted = formatVkey(parseVkey(text));
          });
          expect(code === 'invalid_note' || formatted === text).toBe(true);
        },
      ),
    );
  });
});

describe('parseSkey', () => {
  it('refuses other forms, types, lengths and key ids, and says nothing of the key', () => {
    const key = parseSkey(skey);
    const texts = [
      '',
      vkey,
      skey.slice(1),
      skey.slice(0, -1),
      skey.replace('log.example', 'log.example2'),
      formatSkey({ ...key, keyId: '00000000' }),
      formatSkey({ ...key, type: 2 as 1 }),
      formatSkey({ ...key, seed: seed.subarray(1) }),
      'PRIVATE+KEY+n+00000000+====',
    ];
    for (const text of texts) expect(codeOf(() => parseSkey(text))).toBe('key_missing');
    const secret = encodeBase64(Uint8Array.of(1, ...seed));
    try {
      parseSkey(formatSkey({ ...key, keyId: '00000000' }));
    } catch (error) {
      expect(String(error)).not.toContain(secret);
    }
  });
});
