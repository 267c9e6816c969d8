import type { RandomBytes } from './clock.ts';

/** Longest pause that a server can ask for; a mistaken Retry-After must not stop delivery for a day. */
const MAX_RETRY_AFTER_MS = 120_000;

/**
 * Milliseconds to wait before an attempt: "full jitter", evenly spread between 0 and a bound that doubles with each
 * failure, so that many clients of one failed server do not come back at the same instant.
 *
 * @param failures attempts that failed in a row, from 1
 * @param retryAfterMs what the server asked for; then a little jitter comes on top of it
 */
export function backoffMs(
  failures: number,
  bounds: { readonly baseMs: number; readonly maxMs: number },
  random: RandomBytes,
  retryAfterMs?: number,
): number {
  const fraction = randomFraction(random);
  if (retryAfterMs !== undefined) return retryAfterMs + fraction * bounds.baseMs;
  // 2^30 is beyond every allowed maximum and keeps the power finite.
  return fraction * Math.min(bounds.maxMs, bounds.baseMs * 2 ** Math.min(failures - 1, 30));
}

/** Milliseconds from now that a Retry-After header asks for (RFC 9110 section 10.2.3), or undefined when it is not valid. */
export function parseRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text) * 1000, MAX_RETRY_AFTER_MS);
  // Only the date form with a name of a day: Date.parse alone would take almost anything.
  if (!/^[A-Z][a-z]{2,8}, /.test(text)) return undefined;
  const date = Date.parse(text);
  if (Number.isNaN(date)) return undefined;
  return Math.min(Math.max(0, date - nowMs), MAX_RETRY_AFTER_MS);
}

/** Evenly distributed in [0, 1). */
function randomFraction(random: RandomBytes): number {
  const [a = 0, b = 0, c = 0, d = 0] = random(4);
  return (a * 0x100_0000 + b * 0x1_0000 + c * 0x100 + d) / 0x1_0000_0000;
}
