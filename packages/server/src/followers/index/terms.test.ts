import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { afterPrefix, isCutTerm, metadataTerm, shownValue, termPrefix, termValue } from './terms.ts';

const anyValue = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.tuple(fc.constantFrom('a', '𝒳', '\u{10ffff}', '\u0000'), fc.nat(130)).map(([char, n]) => char.repeat(n)),
  fc.tuple(fc.nat(130), fc.nat(60)).map(([n, m]) => 'a'.repeat(n) + '𝒳'.repeat(m)),
);
const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');

describe('values in terms', () => {
  test('different values have different terms, also those made to look like the term of another', () => {
    const long = 'z'.repeat(300);
    const cut = termValue(long);
    expect(isCutTerm(cut)).toBe(true);
    expect(cut.length).toBeLessThan(120);
    expect(termValue(cut)).not.toBe(cut);
    fc.assert(
      fc.property(anyValue, anyValue, (a, b) => {
        expect(termValue(a) === termValue(b)).toBe(a === b);
        expect(isCutTerm(termValue(a))).toBe(termValue(a) !== a);
      }),
    );
  });

  test('terms are well-formed text, and a prefix of a value is one of its term', () => {
    fc.assert(
      fc.property(anyValue, fc.nat(200), (value, length) => {
        const term = termValue(value);
        expect(term.isWellFormed()).toBe(true);
        const prefix = value.slice(0, length);
        if (prefix.isWellFormed()) expect(term.startsWith(termPrefix(prefix))).toBe(true);
      }),
    );
  });

  test('people see short values in full and the beginning of long ones', () => {
    expect(shownValue(termValue('short'))).toBe('short');
    expect(shownValue(termValue('z'.repeat(121)))).toBe(`${'z'.repeat(80)}…`);
  });

  test('path, type and value of metadata have a term of their own', () => {
    const key = fc.constantFrom('a', 'a\u0000', 'a\u0000sb', '\u0000', 'a\u0000\u0000sb', 'a.b');
    const value = fc.constantFrom('', 'c', 'b\u0000sc', '\u0000sb', '\u0000', 1, true, '1', 'true');
    fc.assert(
      fc.property(key, value, key, value, (pathA, a, pathB, b) => {
        expect(metadataTerm(pathA, a) === metadataTerm(pathB, b)).toBe(pathA === pathB && a === b);
      }),
    );
  });
});

test('a range from a prefix to what comes after it holds exactly the texts with that prefix', () => {
  const piece = fc.constantFrom(
    '',
    'a',
    'b',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '\u{10ffff}',
    '\u0000',
  );
  const text = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(text, text, (end, other) => {
      const prefix = `!${end}`;
      for (const term of [`!${other}`, prefix + other]) {
        const isWithin =
          bytes(term).compare(bytes(prefix)) >= 0 && bytes(term).compare(bytes(afterPrefix(prefix))) < 0;
        expect(isWithin).toBe(term.startsWith(prefix));
      }
    }),
  );
});
