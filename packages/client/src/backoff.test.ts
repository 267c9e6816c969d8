import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs, parseRetryAfter } from './backoff.ts';

const bounds = { baseMs: 100, maxMs: 5000 };
const bytes = fc.uint8Array({ minLength: 4, maxLength: 4 });
const nowMs = Date.UTC(2026, 0, 31, 9, 30, 0);

describe('backoffMs', () => {
  it('stays below a bound that doubles with each failure', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), bytes, (failures, random) => {
        const ms = backoffMs(failures, bounds, () => random);
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThan(Math.min(5000, 100 * 2 ** (failures - 1)));
      }),
    );
  });

  it('never goes below what the server asked for', () => {
    fc.assert(
      fc.property(fc.nat(100_000), bytes, (retryAfterMs, random) => {
        const ms = backoffMs(9, bounds, () => random, retryAfterMs);
        expect(ms).toBeGreaterThanOrEqual(retryAfterMs);
        expect(ms).toBeLessThan(retryAfterMs + bounds.baseMs);
      }),
    );
  });
});

describe('parseRetryAfter', () => {
  it.each([
    ['0', 0],
    ['7', 7000],
    [' 7 ', 7000],
    ['99999999', 120_000],
    ['Sat, 31 Jan 2026 09:30:05 GMT', 5000],
    ['Sat, 31 Jan 2026 09:29:00 GMT', 0],
    ['Sun, 31 Jan 2027 09:30:00 GMT', 120_000],
  ])('reads %j', (header, ms) => {
    expect(parseRetryAfter(header, nowMs)).toBe(ms);
  });

  it.each([null, '', '-1', '1.5', '1e3', 'soon', '2026-01-31', 'Sat, nonsense', '99999999999'])(
    'takes %j for nothing said',
    (header) => {
      expect(parseRetryAfter(header, nowMs)).toBeUndefined();
    },
  );
});
