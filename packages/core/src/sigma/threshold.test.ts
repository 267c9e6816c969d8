import fc from 'fast-check';
import { expect, it } from 'vitest';
import { meets, reachOf, type Threshold, thresholdOperators } from './threshold.ts';

const halves = fc.integer({ min: -8, max: 24 }).map((number) => number / 2);
const anyThreshold: fc.Arbitrary<Threshold> = fc
  .uniqueArray(fc.constantFrom(...thresholdOperators), { minLength: 1, maxLength: 3 })
  .chain((operators) =>
    fc.record(Object.fromEntries(operators.map((operator) => [operator, halves] as const))),
  );

it('says what of a range meets a threshold as trying all of it does', () => {
  const range = fc.record({
    isWhole: fc.boolean(),
    least: fc.integer({ min: -5, max: 3 }),
    most: fc.oneof(fc.integer({ min: 3, max: 9 }), fc.constant(Number.POSITIVE_INFINITY)),
  });
  fc.assert(
    fc.property(anyThreshold, range, (threshold, { isWhole, least, most }) => {
      const all = Array.from({ length: 200 }, (_, i) => -10 + i / 4).filter(
        (point) => point >= least && point <= most && (!isWhole || Number.isInteger(point)),
      );
      const met = all.filter((point) => meets(threshold, point)).length;
      expect(reachOf(threshold, { isWhole, least, most })).toBe(
        met === all.length ? 'all' : met > 0 ? 'some' : 'none',
      );
    }),
    { numRuns: 2000 },
  );
});
