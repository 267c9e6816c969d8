import { fields } from '@sealtrail/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fieldCode, isCut, pathCode, termPrefix, termValue } from './terms.ts';

const anyValue = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.tuple(fc.constantFrom('a', '𝒳', '\u{10ffff}', '\u0000'), fc.nat(130)).map(([char, n]) => char.repeat(n)),
  fc.tuple(fc.nat(130), fc.nat(60)).map(([n, m]) => 'a'.repeat(n) + '𝒳'.repeat(m)),
);

test('different values have different terms, also those made to look like the term of another', () => {
  const cut = termValue('z'.repeat(300));
  expect(isCut(cut)).toBe(true);
  expect(termValue(cut)).not.toBe(cut);
  fc.assert(
    fc.property(anyValue, anyValue, (a, b) => {
      expect(termValue(a) === termValue(b)).toBe(a === b);
      expect(isCut(termValue(a))).toBe(termValue(a) !== a);
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

test('no code is the beginning of another', () => {
  const codes = [' ', '!', ...fields.map(fieldCode)];
  for (const number of [0, 1, 0xffff, 0x10000]) codes.push(`${pathCode(number)}s`, `${pathCode(number)}b`);
  for (const code of codes)
    expect(codes.filter((other) => other !== code && other.startsWith(code))).toEqual([]);
  expect(new Set(codes).size).toBe(codes.length);
});
