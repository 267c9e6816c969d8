import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bitmap } from './bitmap.ts';
import { addFromBucket, bucketOf, HashColumn } from './hashes.ts';
import { NumberColumn } from './numbers.ts';

const membersOf = (bitmap: Bitmap): number[] => [...bitmap.descending()].reverse();

describe('a column of numbers', () => {
  const whole = fc.oneof(fc.nat(5), fc.nat(300), fc.nat(70_000), fc.maxSafeInteger());
  const number = fc.oneof(whole, fc.double({ noNaN: true, noDefaultInfinity: true }));
  const pairs = (values: fc.Arbitrary<number>): fc.Arbitrary<[number, number][]> =>
    fc.array(fc.tuple(fc.nat(99), values), { maxLength: 200 }).map((all) => all.sort(([a], [b]) => a - b));
  const dense = fc
    .array(whole, { maxLength: 100 })
    .map((values) => values.map((value, i): [number, number] => [i, value]));

  test('keeps every number, in whatever width it is stored', () => {
    fc.assert(
      fc.property(fc.oneof(pairs(number), pairs(whole), dense), number, (given, wanted) => {
        const open = new NumberColumn(1);
        for (const [entry, value] of given) open.add(entry, value);
        for (const column of [open, NumberColumn.fromBytes(open.toBytes())]) {
          expect(column.count).toBe(given.length);
          const found = new Bitmap();
          column.addWhere(found, (value) => value >= wanted);
          const expected = given.filter(([, value]) => value >= wanted).map(([entry]) => entry);
          expect(membersOf(found)).toEqual([...new Set(expected)]);
          const distinct = [...column.distinctWithin(Bitmap.upTo(50))].map(
            ([entry, value]) => `${entry}: ${value}`,
          );
          const inside = given.filter(([entry]) => entry < 50).map(([entry, value]) => `${entry}: ${value}`);
          expect(distinct).toEqual([...new Set(inside)]);
        }
      }),
    );
  });
});

describe('a column of hashes', () => {
  test('finds every entry that has a value, in memory and stored', () => {
    const value = fc.string({ maxLength: 3 });
    fc.assert(
      fc.property(fc.array(value, { maxLength: 300 }), value, (values, other) => {
        const column = new HashColumn();
        for (const [entry, one] of values.entries()) column.add(entry, one);
        const buckets = new Map(column.buckets());
        for (const wanted of [...values.slice(0, 20), other]) {
          const [open, stored] = [new Bitmap(), new Bitmap()];
          column.addTo(open, wanted);
          const bucket = buckets.get(bucketOf(wanted));
          if (bucket) addFromBucket(stored, bucket, wanted);
          expect(membersOf(stored)).toEqual(membersOf(open));
          for (const [entry, one] of values.entries()) if (one === wanted) expect(open.has(entry)).toBe(true);
        }
      }),
    );
  });
});
