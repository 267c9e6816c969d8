import type { Entry } from '@sealtrail/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeenProducers } from './seen-producers.ts';

const receivedAt = '2026-01-31T09:30:00.000Z';

/** Every third entry names a producer; the sequence number tells the index. */
const entry = (index: number): Entry =>
  ({ action: 'a', receivedAt, ...(index % 3 === 0 && { producer: { id: 'p', seq: index } }) }) as Entry;
const entries = (from: number, to: number): Entry[] =>
  Array.from({ length: to - from }, (_, i) => entry(from + i));
const indexesWithin = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i).filter((index) => index % 3 === 0);

describe('SeenProducers', () => {
  it('gives for any entries either nothing or just what is in them', () => {
    const step = fc.record({
      trail: fc.constantFrom('a', 'b'),
      from: fc.nat(40),
      count: fc.nat(20),
      take: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const seen = new SeenProducers();
        for (const { trail, from, count, take } of steps) {
          if (!take) {
            seen.add(trail, from, entries(from, from + count));
            continue;
          }
          const range = seen.take(trail, from);
          if (range === undefined) continue;
          expect(range.from).toBe(from);
          expect(range.to).toBeGreaterThan(from);
          expect(range.seen).toEqual(
            indexesWithin(from, range.to).map((index) => ({ index, producer: 'p', seq: index, receivedAt })),
          );
        }
      }),
    );
  });

  it('joins what follows on each other, and gives it once', () => {
    const seen = new SeenProducers();
    seen.add('a', 10, entries(10, 20));
    seen.add('a', 20, entries(20, 30));
    expect(seen.take('a', 5)).toBeUndefined();
    expect(seen.take('a', 15)).toMatchObject({ from: 15, to: 30 });
    expect(seen.take('a', 15)).toBeUndefined();
  });

  it('forgets rather than grow without bound', () => {
    const seen = new SeenProducers();
    for (let from = 0; from < 300_000; from += 1000) seen.add('a', from, entries(from, from + 1000));
    expect(seen.take('a', 0)).toBeUndefined();
    expect(seen.take('a', 299_000)).toMatchObject({ to: 300_000 });
    for (let trail = 0; trail < 5000; trail++) seen.add(`t${trail}`, 0, entries(0, 1));
    expect(seen.take('t0', 0)).toBeUndefined();
    expect(seen.take('t4999', 0)).toMatchObject({ to: 1 });
  });
});
