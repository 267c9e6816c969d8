import { describe, expect, it } from 'vitest';
import { monthOf, parseSourceTime, withoutYear } from './source-time.ts';

const iso = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString();

describe('parseSourceTime', () => {
  it.each([
    ['2026-02-12T14:10:21Z', '2026-02-12T14:10:21.000Z'],
    ['2026-02-12 14:10:21', '2026-02-12T14:10:21.000Z'],
    ['2026-02-12 14:10:21.123456789', '2026-02-12T14:10:21.123Z'],
    ['2026-02-12 14:10:21 UTC', '2026-02-12T14:10:21.000Z'],
    ['2026-02-12T14:10:21,5+0130', '2026-02-12T12:40:21.500Z'],
    ['2026-02-12T14:10:21-00:30', '2026-02-12T14:40:21.000Z'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.000Z'],
    ['1772352000', '2026-03-01T08:00:00.000Z'],
    ['1772352000.5', '2026-03-01T08:00:00.500Z'],
    ['1772352000123', '2026-03-01T08:00:00.123Z'],
  ])('reads %s', (text, expected) => {
    expect(iso(parseSourceTime(text))).toBe(expected);
  });

  it.each([
    ...['', 'now', '2026-02-12', '2026-02-30T00:00:00Z', '2026-02-12T24:00:00Z', '2026-02-12T14:60:00Z'],
    ...[
      '2026-02-12T14:10:21 CET',
      '9'.repeat(16),
      '-5',
      '0',
      '5',
      '999999999',
      '1969-12-31T23:59:59Z',
      '2026-13-01T00:00:00Z',
    ],
  ])('gives nothing for %s', (text) => {
    expect(parseSourceTime(text)).toBeUndefined();
  });

  it('takes what names no zone to be in the one given', () => {
    expect(iso(parseSourceTime('2026-02-12 14:10:21', 120))).toBe('2026-02-12T12:10:21.000Z');
  });
});

describe('withoutYear', () => {
  const at = (month: number, day: number, latest: string, offsetMinutes = 0): string | undefined =>
    iso(
      withoutYear(
        { month, day, hour: 14, minute: 10, second: 21, ms: 0 },
        { latestMs: Date.parse(latest), offsetMinutes },
      ),
    );

  it('is the last such time before the clock, which may be a day wrong', () => {
    expect(at(2, 12, '2026-06-30T00:00:00Z')).toBe('2026-02-12T14:10:21.000Z');
    expect(at(12, 31, '2026-01-01T00:00:00Z')).toBe('2025-12-31T14:10:21.000Z');
    expect(at(1, 1, '2025-12-31T23:00:00Z')).toBe('2026-01-01T14:10:21.000Z');
    expect(at(7, 2, '2026-06-30T00:00:00Z')).toBe('2025-07-02T14:10:21.000Z');
    expect(at(2, 12, '2026-06-30T00:00:00Z', -60)).toBe('2026-02-12T15:10:21.000Z');
  });

  it('finds leap days, and no days that there never are', () => {
    expect(at(2, 29, '2027-06-30T00:00:00Z')).toBe('2024-02-29T14:10:21.000Z');
    expect(at(2, 29, '2103-06-30T00:00:00Z')).toBe('2096-02-29T14:10:21.000Z');
    expect(at(2, 30, '2026-06-30T00:00:00Z')).toBeUndefined();
    expect(at(monthOf('Foo'), 1, '2026-06-30T00:00:00Z')).toBeUndefined();
  });
});
