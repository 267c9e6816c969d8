import { SealtrailError } from '@sealtrail/core';

/** A time of an answer as people read it: RFC 3339 without parts of a second. What is none stays as it is. */
export const timeText = (time: string): string => time.replace(/\.\d+(?=Z$)/, '');

/** A duration in the two units that matter: `7 s`, `3 min 20 s`, `2 h 5 min`. */
export function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.ceil(whole / 60);
  return `${Math.floor(minutes / 60).toLocaleString('en')} h ${minutes % 60} min`;
}

const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/**
 * A duration as options take it, in milliseconds.
 *
 * @param option its name, for the error
 * @throws SealtrailError invalid_parameter
 */
export function durationMs(option: string, text: string): number {
  const parts = /^(\d{1,9})([smhdw])$/.exec(text);
  if (parts === null)
    throw new SealtrailError(
      'invalid_parameter',
      `${option}: expected a duration such as 30s, 15m, 2h or 7d`,
    );
  return Number(parts[1]) * unitMs[parts[2] as keyof typeof unitMs];
}
