import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/code-of.ts';
import { cosignedMessage, createCosigner, isMlDsa44Cosignature, parseCosignature } from './cosignature.ts';
import { generateKey } from './key.ts';
import { checkNote, createSigner, signNote, verifierFromVkey } from './note.ts';

const cosigner = createCosigner(generateKey('witness.example', new Uint8Array(32).fill(1), 4).skey);
const log = createSigner(generateKey('log.example', new Uint8Array(32).fill(2)).skey);
const verifier = verifierFromVkey(cosigner.vkey);
const text = 'log.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n';

describe('cosignatures', () => {
  it('cover the time and the whole text', () => {
    expect(new TextDecoder().decode(cosignedMessage('text\n', 12))).toBe('cosignature/v1\ntime 12\ntext\n');
    const signature = cosigner.at(1_767_225_600).sign(text);
    expect(signature).toHaveLength(72);
    expect(parseCosignature(signature)?.timestamp).toBe(1_767_225_600);
    expect(verifier.verify(text, signature)).toBe(true);
    expect(verifier.verify(`${text}extension\n`, signature)).toBe(false);
    for (let i = 0; i < 72; i++) {
      const wrong = signature.slice();
      wrong[i]! ^= 1;
      expect(verifier.verify(text, wrong)).toBe(false);
    }
  });

  it('stand beside the signature of the log on one note', () => {
    const note = signNote(text, [log, cosigner.at(5)]);
    const { verified } = checkNote(note, [verifierFromVkey(log.vkey), verifier]);
    expect(verified.map(({ name }) => name)).toEqual(['log.example', 'witness.example']);
  });

  it('carry times beyond 32 bits, up to 2^53-1', () => {
    for (const time of [0, 2 ** 32, 2 ** 40 + 3, Number.MAX_SAFE_INTEGER]) {
      const signature = cosigner.at(time).sign(text);
      expect(parseCosignature(signature)?.timestamp).toBe(time);
      expect(verifier.verify(text, signature)).toBe(true);
    }
    for (const time of [-1, 0.5, 2 ** 53, Number.NaN])
      expect(codeOf(() => cosigner.at(time))).toBe('internal');
  });

  it('of another length, or from after the end of time, are none', () => {
    expect(parseCosignature(new Uint8Array(64))).toBeUndefined();
    expect(parseCosignature(new Uint8Array(73))).toBeUndefined();
    expect(parseCosignature(new Uint8Array(72).fill(0xff))).toBeUndefined();
    expect(verifier.verify(text, new Uint8Array(72).fill(0xff))).toBe(false);
    expect(verifier.verify(text, new Uint8Array(0))).toBe(false);
  });

  it('of ML-DSA-44 are recognised by their length', () => {
    expect(isMlDsa44Cosignature(new Uint8Array(2428))).toBe(true);
    expect(isMlDsa44Cosignature(new Uint8Array(72))).toBe(false);
  });
});
