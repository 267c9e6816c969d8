/** How long a channel that fails rests between attempts, and for how long it is tried. */
export interface RetrySchedule {
  /** After the first failure in a row, the second, and so on; after the last of them always the same. */
  readonly delaysMs: readonly number[];
  /** Longest rest, also where the other end asks for more: a mistaken Retry-After must not silence alerts. */
  readonly maxDelayMs: number;
  /** What has been waiting for so long when an attempt fails is given up. */
  readonly giveUpMs: number;
}

const minute = 60_000;
const hour = 60 * minute;

/**
 * Three days, as Standard Webhooks suggests; but a rest is never longer than an hour. A line waits behind its head, so with
 * rests that go on growing an end of a breakdown would go unnoticed for most of a day, and so would every alert in the line.
 */
export const defaultRetrySchedule: RetrySchedule = {
  delaysMs: [5000, 30_000, 2 * minute, 10 * minute, 30 * minute, hour],
  maxDelayMs: hour,
  giveUpMs: 72 * hour,
};

/**
 * Milliseconds until the next attempt: of the schedule, a fifth more or less, so that what failed together does not come
 * back together; or what the other end asked for, if that is longer.
 *
 * @param failures attempts that had failed in a row before this one
 */
export function retryDelayMs(
  { delaysMs, maxDelayMs }: RetrySchedule,
  failures: number,
  random: (bytes: number) => Uint8Array,
  retryAfterMs = 0,
): number {
  const delayMs = delaysMs[Math.min(failures, delaysMs.length - 1)] ?? maxDelayMs;
  const spread = 0.8 + (0.4 * (random(1)[0] ?? 0)) / 255;
  return Math.round(Math.min(Math.max(delayMs * spread, retryAfterMs), maxDelayMs * 1.2));
}
