import { type Locate, leastDistanceKm, networkOf } from '../locate.ts';
import type { PlainEpisode, PlainOccurrence } from './brute-force.ts';

/** Kinds that Sigma does not have, each written as its definition reads. Occurrences are those of one group. */

const byTime = (occurrences: readonly PlainOccurrence[]): PlainOccurrence[] =>
  [...occurrences].sort((a, b) => a.timeMs - b.timeMs || a.index - b.index);

export function newTermsByDefinition(
  occurrences: readonly PlainOccurrence[],
  spanMs: number,
  known: number,
  learnMs: number,
): PlainEpisode[] {
  const sorted = byTime(occurrences);
  const within = (fromMs: number, untilMs: number): PlainOccurrence[] =>
    sorted.filter(({ timeMs }) => timeMs > fromMs && timeMs < untilMs);
  const heardSince = (atMs: number): number => {
    const before = within(atMs - spanMs, atMs);
    return before.length === 0 ? atMs : heardSince(before[0]!.timeMs);
  };
  const seen = new Set<string>();
  const found: PlainEpisode[] = [];
  for (const { timeMs, value } of sorted) {
    const name = JSON.stringify([timeMs, String(value)]);
    if (seen.has(name)) continue;
    seen.add(name);
    const before = new Set(within(timeMs - spanMs, timeMs).map((one) => String(one.value)));
    if (before.has(String(value)) || before.size < known || heardSince(timeMs) + learnMs > timeMs) continue;
    found.push([timeMs, timeMs, 1, timeMs]);
  }
  return found;
}

/** Values that come again: seen within `againMs`, but not within a span. */
export function returnsByDefinition(
  occurrences: readonly PlainOccurrence[],
  spanMs: number,
  againMs: number,
): PlainEpisode[] {
  const moments = byTime(occurrences).map(({ timeMs, value }) => [timeMs, String(value)] as const);
  const unique = new Map(moments.map((moment) => [JSON.stringify(moment), moment]));
  return [...unique.values()].flatMap(([timeMs, value]): PlainEpisode[] => {
    const before = moments.filter(([atMs, other]) => other === value && atMs < timeMs);
    const isAround = before.some(([atMs]) => atMs > timeMs - spanMs);
    const wasThere = before.some(([atMs]) => atMs > timeMs - againMs);
    return wasThere && !isAround ? [[timeMs, timeMs, 1, timeMs]] : [];
  });
}

export function rateByDefinition(
  occurrences: readonly PlainOccurrence[],
  spanMs: number,
  { least, factor, known, windows }: Record<'least' | 'factor' | 'known' | 'windows', number>,
): PlainEpisode[] {
  const times = byTime(occurrences).map(({ timeMs }) => timeMs);
  const of = (window: number): number[] => times.filter((timeMs) => Math.floor(timeMs / spanMs) === window);
  const last = Math.floor((times.at(-1) ?? 0) / spanMs);
  /** By window that is too much: when it became so, how many events it has, and when the last of them was. */
  const exceeded = new Map<number, { atMs: number; count: number; lastMs: number }>();
  for (let window = 0; window <= last; window++) {
    const before: number[] = [];
    for (let past = Math.max(0, window - windows); past < window; past++) {
      const { length } = of(past);
      if (length > 0) before.push(length);
    }
    if (before.length < known) continue;
    before.sort((a, b) => a - b);
    const at = (before.length - 1) / 2;
    const median = (before[Math.floor(at)]! + before[Math.ceil(at)]!) / 2;
    const events = of(window);
    const needed = Math.max(least, Math.ceil(factor * median));
    if (events.length >= needed)
      exceeded.set(window, { atMs: events[needed - 1]!, count: events.length, lastMs: events.at(-1)! });
  }
  const found: [number, number, number, number][] = [];
  for (const [window, { atMs, count, lastMs }] of exceeded) {
    const endMs = (window + 2) * spanMs;
    const open = found.at(-1);
    if (open !== undefined && atMs <= open[1]) {
      open[1] = endMs;
      open[2] = Math.max(open[2], count);
      open[3] = lastMs;
    } else found.push([atMs, endMs, count, lastMs]);
  }
  return found;
}

/** @param heard when events of the group were received */
export function silenceByDefinition(
  heard: readonly number[],
  untilMs: number,
  spanMs: number,
  historyMs: number,
  least: number,
): PlainEpisode[] {
  const sorted = [...heard].sort((a, b) => a - b);
  const found: PlainEpisode[] = [];
  let count = 0;
  sorted.forEach((atMs, i) => {
    const before = sorted[i - 1];
    count = before !== undefined && atMs - before > historyMs ? 1 : count + 1;
    const next = sorted[i + 1] ?? Number.POSITIVE_INFINITY;
    const endMs = Math.min(next, atMs + historyMs);
    const startMs = atMs + spanMs;
    if (count < least || next <= startMs || startMs >= untilMs) return;
    // What is heard last ends it; that the group is given up has to be seen.
    if (endMs >= untilMs && endMs !== next)
      found.push([startMs, Number.POSITIVE_INFINITY, spanMs / 1000, startMs]);
    else found.push([startMs, endMs, (endMs - atMs) / 1000, startMs]);
  });
  return found;
}

export function gapsByDefinition(
  occurrences: readonly PlainOccurrence[],
  spanMs: number,
  historyMs: number,
  least: number,
): PlainEpisode[] {
  const sorted = byTime(occurrences);
  const found: PlainEpisode[] = [];
  let highest: number | undefined;
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const atMs of [...new Set(sorted.map(({ timeMs }) => timeMs))]) {
    const numbers = sorted.filter(({ timeMs }) => timeMs === atMs).map(({ value }) => Number(value));
    if (atMs - lastMs >= historyMs) highest = undefined;
    lastMs = atMs;
    const before = highest ?? Math.max(...numbers);
    highest = Math.max(before, ...numbers);
    let missing = 0;
    for (let number = before + 1; number < highest; number++) {
      const came = sorted.some(
        ({ timeMs, value }) => Number(value) === number && timeMs >= atMs && timeMs <= atMs + spanMs,
      );
      if (!came) missing++;
    }
    if (missing >= least) found.push([atMs + spanMs, atMs + spanMs, missing, atMs]);
  }
  return found;
}

export function travelByDefinition(
  occurrences: readonly PlainOccurrence[],
  spanMs: number,
  { speedKmh, distanceKm }: Record<'speedKmh' | 'distanceKm', number>,
  locate: Locate,
): PlainEpisode[] {
  const sightings = byTime(occurrences).flatMap(({ timeMs, value }) => {
    const address = String(value);
    const { latitude, longitude, accuracyKm = 0, asn, isAnonymous } = locate(address) ?? {};
    if (latitude === undefined || longitude === undefined || isAnonymous) return [];
    return [{ timeMs, address, latitude, longitude, accuracyKm, asn }];
  });
  const times = [...new Set(sightings.map(({ timeMs }) => timeMs))];
  const found: [number, number, number, number][] = [];
  times.forEach((atMs, i) => {
    const now = sightings.filter(({ timeMs }) => timeMs === atMs);
    const beforeMs = times[i - 1] ?? Number.NEGATIVE_INFINITY;
    const before = atMs - beforeMs < spanMs ? sightings.filter(({ timeMs }) => timeMs === beforeMs) : [];
    const speeds = now.flatMap((to) =>
      [...before, ...now].flatMap((from) => {
        if (from.asn !== undefined && from.asn === to.asn) return [];
        if (networkOf(from.address) === networkOf(to.address)) return [];
        const distance = leastDistanceKm(from, to);
        if (distance < distanceKm) return [];
        const speed = distance / Math.max((atMs - from.timeMs) / 3_600_000, 1 / 3600);
        return speed > speedKmh ? [speed] : [];
      }),
    );
    if (speeds.length === 0) return;
    const speed = Math.max(...speeds);
    const open = found.at(-1);
    if (open !== undefined && atMs <= open[1]) {
      open[1] = atMs + spanMs;
      open[2] = Math.max(open[2], speed);
      open[3] = atMs;
    } else found.push([atMs, atMs + spanMs, speed, atMs]);
  });
  return found;
}
