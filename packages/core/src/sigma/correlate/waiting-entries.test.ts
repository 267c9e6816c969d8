import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WaitingEntries } from './waiting-entries.ts';

describe('WaitingEntries', () => {
  it('has all that waits in its ranges, and none beyond the first and the last', () => {
    const entries = fc.array(fc.record({ index: fc.nat(3000), timeMs: fc.nat(50) }), {
      maxLength: 60,
      size: 'max',
    });
    fc.assert(
      fc.property(entries, entries, fc.nat(50), (own, others, watermarkMs) => {
        const [waiting, joined] = [new WaitingEntries(), new WaitingEntries()];
        for (const { index, timeMs } of own) waiting.add(index, timeMs);
        for (const { index, timeMs } of others) joined.add(index, timeMs);
        waiting.join(joined);
        const ranges = waiting.ranges(watermarkMs);
        const all = [...own, ...others];
        for (const { index } of all.filter(({ timeMs }) => timeMs > watermarkMs))
          expect(ranges.filter(([from, to]) => from <= index && index < to).length).toBe(1);
        const known = new Set(all.map(({ index }) => index));
        for (const [i, [from, to]] of ranges.entries()) {
          expect([known.has(from), known.has(to - 1)]).toEqual([true, true]);
          if (i > 0) expect(ranges[i - 1]![1]).toBeLessThan(from);
        }
      }),
    );
  });

  it('is small, however much waits', () => {
    const waiting = new WaitingEntries();
    for (let index = 0; index < 100_000; index++) waiting.add(index, 1 + (index % 7));
    expect(waiting.ranges(0)).toEqual([[0, 100_000]]);
    expect(waiting.ranges(7)).toEqual([]);
  });
});
