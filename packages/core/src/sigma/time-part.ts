import type { TimePart } from './values.ts';

const written = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})/;

/**
 * A part of a timestamp as it is written, in its own time zone; of a number (seconds or milliseconds since 1970) in UTC.
 * Weeks are those of ISO 8601. Undefined for what is no timestamp.
 */
export function timePartOf(value: unknown, part: TimePart): number | undefined {
  const fields =
    typeof value === 'number'
      ? fieldsOfNumber(value)
      : typeof value === 'string'
        ? fieldsOf(value)
        : undefined;
  if (fields === undefined) return undefined;
  const [year, month, day, hour, minute] = fields;
  switch (part) {
    case 'year':
      return year;
    case 'month':
      return month;
    case 'week':
      return isoWeek(year, month, day);
    case 'day':
      return day;
    case 'hour':
      return hour;
    case 'minute':
      return minute;
  }
}

type Fields = readonly [year: number, month: number, day: number, hour: number, minute: number];

function fieldsOf(text: string): Fields | undefined {
  const match = written.exec(text);
  return match ? (match.slice(1).map(Number) as unknown as Fields) : undefined;
}

/** Milliseconds since 1970 have had twelve digits since 1973. */
function fieldsOfNumber(value: number): Fields | undefined {
  const ms = Math.abs(value) < 1e11 ? value * 1000 : value;
  if (!(Math.abs(ms) <= 8.64e15)) return undefined;
  return fieldsOf(new Date(ms).toISOString());
}

function isoWeek(year: number, month: number, day: number): number {
  const dayMs = 86_400_000;
  const date = Date.UTC(year, month - 1, day);
  const weekday = (new Date(date).getUTCDay() + 6) % 7;
  // The week belongs to the year of its Thursday.
  const thursday = date + (3 - weekday) * dayMs;
  const firstOfYear = Date.UTC(new Date(thursday).getUTCFullYear(), 0, 1);
  return Math.floor((thursday - firstOfYear) / (7 * dayMs)) + 1;
}
