import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64, encodeBase64 } from './base64.ts';

describe('strict base64', () => {
  it('writes what Buffer writes and reads it back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        expect(encodeBase64(bytes)).toBe(text);
        expect(decodeBase64(text)).toEqual(bytes);
      }),
    );
  });

  it('writes long ones as well, wherever it may cut them', () => {
    for (const length of [3071, 3072, 3073, 6144, 10_000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 89) & 0xff);
      expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
    }
  });

  it('knows every character of the alphabet', () => {
    const all = Uint8Array.from({ length: 48 }, (_, i) => (i * 37) & 0xff);
    const text = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    expect(encodeBase64(decodeBase64(text)!)).toBe(text);
    expect(decodeBase64(encodeBase64(all))).toEqual(all);
  });

  it.each([
    ['padding missing', 'AA'],
    ['padding missing after three', 'AAA'],
    ['padding alone', '===='],
    ['padding too long', 'A==='],
    ['padding inside', 'AA==AAAA'],
    ['one character', 'A'],
    ['unused bits set, one byte', 'AB=='],
    ['unused bits set, two bytes', 'AAB='],
    ['url-safe alphabet', 'A-_A'],
    ['space', 'AA A'],
    ['line feed at the end', 'AAAA\n'],
    ['line feed in the last group', 'AAA\n'],
    ['letters outside of ASCII', 'AAA\u0141'],
  ])('refuses: %s', (_, text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });

  it('has one spelling for every byte string', () => {
    const characters = fc.constantFrom(...'ABab09+/=- \n');
    fc.assert(
      fc.property(fc.array(characters, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        const bytes = decodeBase64(text);
        if (bytes !== undefined) expect(encodeBase64(bytes)).toBe(text);
        else expect(Buffer.from(text, 'base64').toString('base64')).not.toBe(text);
      }),
    );
  });
});
