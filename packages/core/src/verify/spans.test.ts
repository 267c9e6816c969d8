import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Spans } from './spans.ts';

describe('Spans', () => {
  it('joins what touches and keeps apart what does not', () => {
    const spans = new Spans();
    expect(spans.isEmpty).toBe(true);
    spans.add(5);
    spans.add(6, 9);
    spans.add(20);
    spans.add(19);
    expect(spans.list()).toEqual([
      { first: 5, last: 9 },
      { first: 19, last: 20 },
    ]);
    expect([spans.first, spans.last]).toEqual([5, 20]);
    spans.clear();
    expect(spans.isEmpty).toBe(true);
  });

  it('counts what was added, not the gaps between', () => {
    const spans = new Spans();
    spans.add(5);
    expect(spans.count).toBe(1);
    spans.add(6, 9);
    spans.add(90);
    expect(spans.count).toBe(6);
    spans.clear();
    spans.add(5, 9);
    spans.add(7, 9);
    expect(spans.count).toBe(5);
  });

  it('covers every index added, in bounded memory', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { minLength: 1, maxLength: 300 }), (indexes) => {
        const spans = new Spans();
        for (const index of indexes) spans.add(index);
        expect(spans.list().length).toBeLessThanOrEqual(64);
        for (const index of indexes)
          expect(spans.list().some(({ first, last }) => first <= index && index <= last)).toBe(true);
        expect([spans.first, spans.last]).toEqual([Math.min(...indexes), Math.max(...indexes)]);
      }),
    );
  });
});
