import { timeRange } from '../event/limits.ts';

const iso =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?\s?(?:([Zz]|UTC|GMT)|([+-]\d{2}):?(\d{2}))?$/;
/** Numbers below are seconds since 1970, others milliseconds: seconds have eleven digits from the year 5138 on. */
const leastMs = 1e11;
/** Smaller numbers are counters and the like: no product that is read here has records from before September 2001. */
const leastSeconds = 1e9;

/** What a date and a time of day are, before it is known in which zone. Months from 1. */
export interface CivilTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly ms: number;
}

/**
 * When a source says that something happened, in milliseconds since 1970: RFC 3339 and its relatives (a space, a comma, no
 * colon in the offset), and numbers since 1970 in seconds or milliseconds. What names no zone is in the one given.
 *
 * @returns undefined for what is no time, or none that an event may have
 */
export function parseSourceTime(text: string, offsetMinutes = 0): number | undefined {
  if (/^\d{1,15}(?:\.\d{1,9})?$/.test(text)) {
    const value = Number(text);
    if (value < leastSeconds) return undefined;
    return inRange(Math.trunc(value < leastMs ? value * 1000 : value));
  }
  const found = iso.exec(text);
  if (!found) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', zone, zoneHours, zoneMinutes] = found;
  const offset =
    zone !== undefined ? 0 : zoneHours === undefined ? offsetMinutes : offsetOf(zoneHours, zoneMinutes!);
  return civilToMs(
    {
      year: Number(year),
      month: Number(month),
      day: Number(day),
      hour: Number(hour),
      minute: Number(minute),
      second: Number(second),
      ms: Number(fraction.slice(0, 3).padEnd(3, '0')),
    },
    offset,
  );
}

/** Minutes east of Greenwich of an offset such as +02 and 30. */
export function offsetOf(hours: string, minutes: string): number {
  const sign = hours.startsWith('-') ? -1 : 1;
  return sign * (Math.abs(Number(hours)) * 60 + Number(minutes));
}

/** A date with a time of day in a zone; undefined where there is no such date. A leap second is the second before it. */
export function civilToMs(civil: CivilTime, offsetMinutes: number): number | undefined {
  const { year, month, day, hour, minute, ms } = civil;
  const second = civil.second === 60 ? 59 : civil.second;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const utc = Date.UTC(year, month - 1, day, hour, minute, second, ms);
  // Days that there are not roll over into the next month.
  const date = new Date(utc);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return inRange(utc - offsetMinutes * 60_000);
}

const inRange = (ms: number): number | undefined =>
  ms >= timeRange.minMs && ms <= timeRange.maxMs ? ms : undefined;

/** What a line that says no year, or no zone, is read against. */
export interface LineClock {
  /** When the lines were there at the latest, in milliseconds since 1970. */
  readonly latestMs: number;
  /** Minutes east of Greenwich of times that name no zone. */
  readonly offsetMinutes: number;
}

const dayMs = 86_400_000;
/** Leap days come every four years, and with an exception every eight. */
const mostYearsBack = 8;

/** A time without a year: the last such one that is not after the clock, which may be a day wrong. */
export function withoutYear(civil: Omit<CivilTime, 'year'>, clock: LineClock): number | undefined {
  const latest = clock.latestMs + dayMs;
  const thisYear = new Date(latest + clock.offsetMinutes * 60_000).getUTCFullYear();
  for (let year = thisYear; year >= thisYear - mostYearsBack; year--) {
    const ms = civilToMs({ ...civil, year }, clock.offsetMinutes);
    if (ms !== undefined && ms <= latest) return ms;
  }
  return undefined;
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** The number of a month by its English abbreviation, from 1; 0 where it is none. */
export const monthOf = (name: string): number => months.indexOf(name.toLowerCase()) + 1;
