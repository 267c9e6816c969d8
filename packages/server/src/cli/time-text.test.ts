import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/code-of.ts';
import { durationMs, durationText, timeText } from './time-text.ts';

describe('times and durations', () => {
  it('are told to the second, and what is no time as it is', () => {
    expect(timeText('2026-01-31T09:30:00.123Z')).toBe('2026-01-31T09:30:00Z');
    expect(timeText('2026-01-31T09:30:00Z')).toBe('2026-01-31T09:30:00Z');
    expect(timeText('soon')).toBe('soon');
  });

  it('are told in the two units that matter', () => {
    expect([0.02, 59, 60, 3599, 3600, 7500, 90_000_000].map(durationText)).toEqual([
      '1 s',
      '59 s',
      '1 min 0 s',
      '59 min 59 s',
      '1 h 0 min',
      '2 h 5 min',
      '25,000 h 0 min',
    ]);
  });

  it('are read with a unit, and refused without', () => {
    expect(['0s', '90s', '15m', '2h', '7d', '2w'].map((text) => durationMs('--for', text))).toEqual([
      0, 90_000, 900_000, 7_200_000, 604_800_000, 1_209_600_000,
    ]);
    for (const text of ['', '2', 'h', '2 h', '-1h', '1.5h', '2h30m', '1e3s', '9999999999s'])
      expect([text, codeOf(() => durationMs('--for', text))]).toEqual([text, 'invalid_parameter']);
  });
});
