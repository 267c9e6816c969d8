import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/code-of.ts';
import { bundleSlices, decodeBundle, encodeBundle } from './bundle.ts';

const entries = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 256 });

describe('entry bundles', () => {
  it('prefix each entry with its length, 16 bits big-endian', () => {
    const bundle = encodeBundle([Uint8Array.of(7, 8), new Uint8Array(0), new Uint8Array(258).fill(1)]);
    expect([...bundle.subarray(0, 9)]).toEqual([0, 2, 7, 8, 0, 0, 1, 2, 1]);
    expect(encodeBundle([])).toHaveLength(0);
  });

  it('read back as the entries written', () => {
    fc.assert(
      fc.property(entries, (written) => {
        expect(decodeBundle(encodeBundle(written))).toEqual(written);
      }),
    );
    const longest = new Uint8Array(65_535).fill(3);
    expect(decodeBundle(encodeBundle([longest]))).toEqual([longest]);
  });

  it('say where the entries lie without copying them', () => {
    const bundle = encodeBundle([Uint8Array.of(1), Uint8Array.of(2, 3)]);
    expect(bundleSlices(bundle)).toEqual([
      { start: 2, end: 3 },
      { start: 5, end: 7 },
    ]);
    expect(decodeBundle(bundle)[1]!.buffer).toBe(bundle.buffer);
  });

  it('cut short anywhere give fewer entries or are refused, never a part of one', () => {
    fc.assert(
      fc.property(entries, fc.nat(), (written, cut) => {
        const bundle = encodeBundle(written);
        const part = bundle.subarray(0, cut % (bundle.length + 1));
        let read: Uint8Array[] = [];
        const code = codeOf(() => {
          read = decodeBundle(part);
        });
        expect([undefined, 'invalid_proof']).toContain(code);
        expect(read).toEqual(written.slice(0, read.length));
      }),
    );
  });

  it('refuse a length past the end, half a length, and too many entries', () => {
    expect(codeOf(() => decodeBundle(Uint8Array.of(0, 2, 1)))).toBe('invalid_proof');
    expect(codeOf(() => decodeBundle(Uint8Array.of(0, 0, 1)))).toBe('invalid_proof');
    expect(codeOf(() => decodeBundle(new Uint8Array(2 * 257)))).toBe('invalid_proof');
    expect(codeOf(() => decodeBundle(new Uint8Array(4), 1))).toBe('invalid_proof');
    expect(decodeBundle(new Uint8Array(2 * 256))).toHaveLength(256);
  });

  it('reading any bytes gives entries that encode to them, or invalid_proof', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        let read: Uint8Array[] | undefined;
        const code = codeOf(() => {
          read = decodeBundle(bytes);
        });
        if (read === undefined) expect(code).toBe('invalid_proof');
        else expect(encodeBundle(read)).toEqual(bytes);
      }),
    );
  });

  it('are not written for what does not fit', () => {
    expect(codeOf(() => encodeBundle([new Uint8Array(65_536)]))).toBe('internal');
    expect(codeOf(() => encodeBundle(new Array(257).fill(new Uint8Array(0))))).toBe('internal');
  });
});
