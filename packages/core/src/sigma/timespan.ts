import { RuleError } from './rule-error.ts';

/** Seconds of a unit. Months and years are mean ones of the Gregorian calendar. */
const secondsOf: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
  M: 2_629_746,
  y: 31_556_952,
};

/** Milliseconds of a time span such as `90s`, `15m`, `1h` or `7d`; `m` is a minute, `M` a month. @throws RuleError */
export function parseTimespan(text: string): number {
  const match = /^([1-9]\d{0,8})([smhdwMy])$/.exec(text);
  if (!match) throw new RuleError('expected a time span such as 90s, 15m, 1h or 7d');
  return Number(match[1]) * secondsOf[match[2]!]! * 1000;
}
