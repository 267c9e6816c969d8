import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentTimes } from './recent-times.ts';

describe('RecentTimes', () => {
  it('knows the last time before another, however they came and what was let go of', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(200), { maxLength: 200, size: 'max' }),
        fc.nat(100),
        fc.nat(200),
        (added, untilMs, atMs) => {
          const times = new RecentTimes();
          for (const timeMs of added) times.add(timeMs);
          times.forget(untilMs);
          const left = [...new Set(added.filter((timeMs) => timeMs > untilMs))].sort((a, b) => a - b);
          expect(times.save()).toEqual(left);
          expect(new RecentTimes(times.save()).lastBefore(atMs)).toBe(
            left.findLast((timeMs) => timeMs < atMs),
          );
        },
      ),
    );
  });

  it('holds a bounded number of times, the last among them', () => {
    const times = new RecentTimes();
    for (let timeMs = 0; timeMs < 200_000; timeMs++) times.add(timeMs);
    expect(times.save().length).toBeLessThanOrEqual(65_536);
    expect(times.lastBefore(Number.POSITIVE_INFINITY)).toBe(199_999);
  });
});
