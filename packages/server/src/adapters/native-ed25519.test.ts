import { createSigner, generateKey, parseVkey } from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/code-of.ts';
import { createNativeSigner, nativeEd25519Verify } from './native-ed25519.ts';

const { skey, vkey } = generateKey('audit.example/main', new Uint8Array(32).fill(7));
const text = 'audit.example/main\n1\nnaïve\n';

describe('Ed25519 on OpenSSL', () => {
  it('signs as the portable one does, to the byte', () => {
    const native = createNativeSigner(skey);
    const portable = createSigner(skey);
    expect([native.name, native.keyId, native.vkey]).toEqual([portable.name, portable.keyId, vkey]);
    expect(Buffer.compare(native.sign(text), portable.sign(text))).toBe(0);
  });

  it('verifies what it signed, and nothing else', () => {
    const { publicKey } = parseVkey(vkey);
    const message = Buffer.from(text);
    const signature = createNativeSigner(skey).sign(text);
    expect(nativeEd25519Verify(signature, message, publicKey)).toBe(true);
    const changed = Uint8Array.from(signature, (byte, i) => (i === 3 ? byte ^ 1 : byte));
    expect(nativeEd25519Verify(changed, message, publicKey)).toBe(false);
    expect(nativeEd25519Verify(signature, Buffer.from('another'), publicKey)).toBe(false);
  });

  it('refuses a key that is none, or a witness’s', () => {
    const witness = generateKey('witness.example', new Uint8Array(32).fill(7), 4).skey;
    for (const bad of ['', 'PRIVATE+KEY+x', witness])
      expect(codeOf(() => createNativeSigner(bad))).toBe('key_missing');
  });
});
