import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProducerState } from '../../ports.ts';
import { type Gap, maxMissingRanges, observe, unseenProducer } from './sequence.ts';

/** Observes numbers one after the other. */
function observeAll(seqs: readonly number[], firstSeq = 0): { state: ProducerState; gaps: Gap[] } {
  let state = unseenProducer(firstSeq);
  const gaps: Gap[] = [];
  for (const seq of seqs) {
    const seen = observe(state, seq);
    state = seen.state;
    if (seen.gap) gaps.push(seen.gap);
  }
  return { state, gaps };
}

const numbersIn = (ranges: ProducerState['missing']): number[] =>
  ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i));

describe('observe', () => {
  it('finds nothing in numbers that rise by one, from wherever they start', () => {
    expect(observeAll([7, 8, 9], 7)).toMatchObject({
      state: { firstSeq: 7, lastSeq: 9, missing: [] },
      gaps: [],
    });
  });

  it('finds that the first ones are missing', () => {
    expect(observeAll([2, 3, 1])).toMatchObject({
      state: { firstSeq: 0, lastSeq: 3, missing: [[0, 0]] },
      gaps: [{ from: 0, to: 1 }],
    });
  });

  it('finds what was passed over', () => {
    expect(observeAll([0, 1, 5, 6, 8])).toMatchObject({
      state: {
        firstSeq: 0,
        lastSeq: 8,
        missing: [
          [2, 4],
          [7, 7],
        ],
      },
      gaps: [
        { from: 2, to: 4 },
        { from: 7, to: 7 },
      ],
    });
  });

  it('takes back what comes late, wherever in a gap it lies, and ignores what comes twice', () => {
    const missingAfter = (...late: number[]): unknown => observeAll([0, 5, ...late]).state.missing;
    expect(missingAfter(1)).toEqual([[2, 4]]);
    expect(missingAfter(4)).toEqual([[1, 3]]);
    expect(missingAfter(2)).toEqual([
      [1, 1],
      [3, 4],
    ]);
    expect(missingAfter(2, 2, 0, 5)).toEqual([
      [1, 1],
      [3, 4],
    ]);
    expect(missingAfter(4, 1, 3, 2)).toEqual([]);
  });

  it('knows of every number below the last one whether it came, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { minLength: 1, maxLength: 80 }), (seqs) => {
        const { state } = observeAll(seqs);
        const from = state.firstSeq;
        const expected = Array.from({ length: Math.max(...seqs) - from + 1 }, (_, i) => from + i);
        expect(state.lastSeq).toBe(Math.max(...seqs));
        expect(numbersIn(state.missing)).toEqual(expected.filter((seq) => !seqs.includes(seq)));
      }),
    );
  });

  it('keeps a bounded number of ranges, whether gaps open or one gap is filled in pieces', () => {
    const everySecond = Array.from({ length: 2_000 }, (_, i) => 2 * i);
    expect(observeAll(everySecond).state.missing).toHaveLength(maxMissingRanges);
    expect(observeAll(everySecond).gaps).toHaveLength(1_999);
    const pieces = observeAll([0, 1_000_000, ...everySecond.map((n) => n + 500)]);
    expect(pieces.state.missing).toHaveLength(maxMissingRanges);
  });

  it('counts up to 2^53 - 1', () => {
    const last = Number.MAX_SAFE_INTEGER;
    expect(observeAll([0, last, last - 1]).state.missing).toEqual([[1, last - 2]]);
  });
});
