/** Something that counts, as a test has it. */
export interface PlainOccurrence {
  readonly timeMs: number;
  readonly index: number;
  /** Places of the rules that matched. */
  readonly rules: readonly number[];
  readonly value?: string | number;
}

/**
 * When a condition held: from, until, and the largest measure; and the time of the last event that counted meanwhile, which
 * is when it began where none did.
 */
export type PlainEpisode = readonly [startMs: number, endMs: number, peak: number, lastMs: number];

/**
 * When a condition holds, written as its definition reads: at every moment at which something comes into the window or
 * leaves it, look at all that is in it.
 *
 * @param level what is measured of a window; undefined where the condition does not hold
 */
export function episodesByDefinition(
  occurrences: readonly PlainOccurrence[],
  spanMs: number,
  level: (window: readonly PlainOccurrence[]) => number | undefined,
): PlainEpisode[] {
  const moments = [...new Set(occurrences.flatMap(({ timeMs }) => [timeMs, timeMs + spanMs]))];
  moments.sort((a, b) => a - b);
  const sorted = [...occurrences].sort((a, b) => a.timeMs - b.timeMs || a.index - b.index);
  const found: PlainEpisode[] = [];
  let open: { startMs: number; peak: number } | undefined;
  for (const atMs of moments) {
    const window = sorted.filter(({ timeMs }) => timeMs <= atMs && timeMs > atMs - spanMs);
    const measured = window.length === 0 ? undefined : level(window);
    if (measured !== undefined) {
      open ??= { startMs: atMs, peak: measured };
      open.peak = Math.max(open.peak, measured);
    } else if (open !== undefined) {
      const { startMs, peak } = open;
      const counted = sorted.filter(({ timeMs }) => timeMs >= startMs && timeMs < atMs);
      found.push([startMs, atMs, peak, counted.at(-1)?.timeMs ?? startMs]);
      open = undefined;
    }
  }
  return found;
}

/** Windows that open with an event and are judged when they have closed, as their definition reads. */
export function closedByDefinition(
  occurrences: readonly PlainOccurrence[],
  spanMs: number,
  level: (window: readonly PlainOccurrence[]) => number | undefined,
): PlainEpisode[] {
  const sorted = [...occurrences].sort((a, b) => a.timeMs - b.timeMs || a.index - b.index);
  const found: PlainEpisode[] = [];
  while (sorted.length > 0) {
    const endMs = sorted[0]!.timeMs + spanMs;
    const count = sorted.filter(({ timeMs }) => timeMs < endMs).length;
    const window = sorted.splice(0, count);
    const measured = level(window);
    if (measured !== undefined) found.push([endMs, endMs, measured, window.at(-1)!.timeMs]);
  }
  return found;
}

/** Whether steps 0 to n - 1 are matched in order by different events. */
export function hasChain(window: readonly PlainOccurrence[], n: number): boolean {
  let step = 0;
  for (const { rules } of window) if (step < n && rules.includes(step)) step++;
  return step === n;
}
