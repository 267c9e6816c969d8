import { parseTime } from '../event/event.ts';
import { timeRange } from '../event/limits.ts';

/** A time as people write it covers a span: a date its whole day, everything else one millisecond. Both ends included. */
export interface TimeSpan {
  readonly first: number;
  readonly last: number;
}

const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const duration = /^(\d{1,9})([smhdw])$/;
const date = /^\d{4}-\d{2}-\d{2}$/;

/**
 * Reads `now`, a duration before now (`90s`, `15m`, `24h`, `7d`, `2w`), a date in UTC (`2026-01-31`) or an RFC 3339
 * time. Undefined when the text is none of these.
 */
export function parseTimeSpan(text: string, nowMs: number): TimeSpan | undefined {
  if (text === 'now') return { first: nowMs, last: nowMs };
  const parts = duration.exec(text);
  if (parts !== null) {
    const length = Number(parts[1]) * unitMs[parts[2] as keyof typeof unitMs];
    const at = Math.max(timeRange.minMs, nowMs - length);
    return { first: at, last: at };
  }
  if (date.test(text)) {
    const first = parseTime(`${text}T00:00:00Z`);
    return first === undefined ? undefined : { first, last: first + unitMs.d - 1 };
  }
  const at = parseTime(text);
  return at === undefined ? undefined : { first: at, last: at };
}
