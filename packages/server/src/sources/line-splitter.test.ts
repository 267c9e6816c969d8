import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from './line-splitter.ts';
import type { Piece } from './pieces.ts';

function split(text: string, lengths: readonly number[] = [], maxBytes = 10): readonly Piece[] {
  const bytes = Buffer.from(text);
  const splitter = new LineSplitter(maxBytes);
  const pieces: Piece[] = [];
  let from = 0;
  for (const length of lengths) {
    pieces.push(...splitter.push(bytes.subarray(from, from + length)));
    from += length;
  }
  return [...pieces, ...splitter.push(bytes.subarray(from)), ...splitter.end()];
}
const shown = (pieces: readonly Piece[]): readonly unknown[] =>
  pieces.map(({ line, offset, bytes, fault }) => [line, offset, bytes.toString(), fault?.code]);

describe('LineSplitter', () => {
  it('numbers lines and passes over blank ones', () => {
    expect(shown(split('a\r\n\n \t\nbc\n\nd'))).toEqual([
      [1, 0, 'a', undefined],
      [4, 7, 'bc', undefined],
      [6, 11, 'd', undefined],
    ]);
  });

  it('names lines that are too long, and goes on', () => {
    expect(shown(split(`${'x'.repeat(11)}\nb\n${'y'.repeat(10)}`))).toEqual([
      [1, 0, 'x'.repeat(10), 'record_too_large'],
      [2, 12, 'b', undefined],
      [3, 14, 'y'.repeat(10), undefined],
    ]);
  });

  it('gives the same in whatever chunks it comes', () => {
    const anyText = fc
      .array(fc.constantFrom('a', '\n', '\r', ' ', 'long line'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(anyText, fc.array(fc.nat({ max: 8 })), (text, lengths) => {
        expect(split(text, lengths)).toEqual(split(text));
      }),
    );
  });
});
