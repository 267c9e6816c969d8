import fc from 'fast-check';
import { expect, test } from 'vitest';
import { timeRange } from '../event/limits.ts';
import { codeOf } from '../testing/code-of.ts';
import { cursorFor, decodeCursor, encodeCursor, queryDigest } from './cursor.ts';
import { all, type Filter } from './filter.ts';

const filter: Filter = { op: 'eq', field: 'actor.id', value: 'u_1' };
const digest = queryDigest('main', filter);

test('a cursor is read as it was written', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat(timeRange.maxMs), (index, nowMs) => {
      const cursor = { digest, index, nowMs };
      expect(decodeCursor(encodeCursor(cursor))).toEqual(cursor);
    }),
  );
});

test('what is not a cursor is refused, and every cursor has one text', () => {
  const good = encodeCursor({ digest, index: 7, nowMs: 1 });
  const bad = ['', good.slice(1), `${good}0`, ` ${good}`, good.toUpperCase(), good.replace(/^01/, '02')];
  for (const text of bad.filter((one) => one !== good))
    expect(codeOf(() => decodeCursor(text))).toBe('invalid_cursor');
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(codeOf(() => decodeCursor(text))).toBe('invalid_cursor');
    }),
  );
});

test('indexes and times out of range are refused', () => {
  const tooFar = `01${digest}${'20000000000000'}${'0'.repeat(12)}`;
  const tooLate = `01${digest}${'0'.repeat(14)}${'f'.repeat(12)}`;
  expect(codeOf(() => decodeCursor(tooFar))).toBe('invalid_cursor');
  expect(codeOf(() => decodeCursor(tooLate))).toBe('invalid_cursor');
});

test('a cursor is good for its trail and filter only', () => {
  const text = encodeCursor({ digest, index: 7, nowMs: 1 });
  expect(cursorFor(text, 'main', filter).index).toBe(7);
  expect(codeOf(() => cursorFor(text, 'other', filter))).toBe('invalid_cursor');
  expect(codeOf(() => cursorFor(text, 'main', all))).toBe('invalid_cursor');
});
