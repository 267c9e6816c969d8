import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flattenRanges, gravest, type VerdictRange, verdictCodes } from './verdict.ts';

const range: fc.Arbitrary<VerdictRange> = fc
  .record({ first: fc.nat(50), length: fc.nat(20), code: fc.constantFrom(...verdictCodes) })
  .map(({ first, length, code }) => ({ first, last: first + length, code }));

describe('gravest', () => {
  it('is the first code in the list among failed checks, and intact without any', () => {
    const result = (status: 'failed' | 'passed' | 'not_covered', code: (typeof verdictCodes)[number]) =>
      ({ check: 'x', status, code, message: '' }) as const;
    expect(gravest([])).toBe('intact');
    expect(gravest([result('passed', 'intact'), result('not_covered', 'not_covered')])).toBe('intact');
    expect(gravest([result('failed', 'modified'), result('failed', 'missing')])).toBe('missing');
  });
});

describe('flattenRanges', () => {
  it('gives each index the gravest code of the ranges over it, in ranges as long as they can be', () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 8 }), (ranges) => {
        const flat = flattenRanges(ranges);
        for (let i = 0; i <= 71; i++) {
          const over = ranges.filter(({ first, last }) => first <= i && i <= last).map(({ code }) => code);
          const code = verdictCodes.find((candidate) => over.includes(candidate));
          expect(flat.filter(({ first, last }) => first <= i && i <= last).map((one) => one.code)).toEqual(
            code === undefined ? [] : [code],
          );
        }
        for (const [i, { first, code }] of flat.entries()) {
          const before = flat[i - 1];
          if (before?.last === first - 1) expect(before.code).not.toBe(code);
        }
      }),
    );
  });
});
