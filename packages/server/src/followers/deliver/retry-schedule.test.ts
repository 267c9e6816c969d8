import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultRetrySchedule, retryDelayMs } from './retry-schedule.ts';

const spread = (byte: number) => (): Uint8Array => Uint8Array.of(byte);
const middle = spread(127);

describe('retryDelayMs', () => {
  it('rises to an hour, and goes on for three days', () => {
    const delays = Array.from({ length: 8 }, (_, failures) =>
      retryDelayMs(defaultRetrySchedule, failures, middle),
    );
    expect(delays.map((ms) => Math.round(ms / 1000))).toEqual([5, 30, 120, 600, 1799, 3597, 3597, 3597]);
    expect(defaultRetrySchedule.giveUpMs).toBe(3 * 86_400_000);
  });

  it('spreads by a fifth', () => {
    expect(retryDelayMs(defaultRetrySchedule, 0, spread(0))).toBe(4000);
    expect(retryDelayMs(defaultRetrySchedule, 0, spread(255))).toBe(6000);
  });

  it('waits for as long as it is asked to, within bounds', () => {
    expect(retryDelayMs(defaultRetrySchedule, 0, middle, 90_000)).toBe(90_000);
    expect(retryDelayMs(defaultRetrySchedule, 3, middle, 1000)).toBeGreaterThan(400_000);
    fc.assert(
      fc.property(fc.nat(), fc.nat(255), fc.nat(2_000_000_000), (failures, byte, retryAfterMs) => {
        const delay = retryDelayMs(defaultRetrySchedule, failures, spread(byte), retryAfterMs);
        expect(delay).toBeGreaterThanOrEqual(4000);
        expect(delay).toBeLessThanOrEqual(1.2 * defaultRetrySchedule.maxDelayMs);
      }),
    );
  });
});
