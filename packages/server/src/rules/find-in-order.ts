import { SealtrailError } from '@sealtrail/core';
import {
  CompiledRules,
  Detector,
  type LoadedCorrelation,
  type Locate,
  memoryOf,
} from '@sealtrail/core/sigma';
import type { StoredFinding } from '../detection-ports.ts';
import { inputOf } from '../followers/detect/entry-views.ts';
import { findingOfEpisode } from '../followers/detect/finding.ts';
import type { LogReader } from '../ports.ts';
import { indexOfTime } from './index-of-time.ts';
import type { RunnableRules } from './rules-alone.ts';

/** A part of history that is looked at again. */
export interface InOrderOptions {
  readonly reader: LogReader;
  readonly trail: string;
  readonly rules: RunnableRules;
  /** By the time of receipt, in milliseconds since 1970: from, and up to but without. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /** How late events may be for those who follow the log. */
  readonly latenessMs: number;
  readonly nowMs: number;
  readonly locate?: Locate | undefined;
  /** Entries read at the most; default 500,000: all of them are held in memory. */
  readonly maxEntries?: number;
}

/** What a part of history comes to when its events are taken in the order in which they happened. */
export interface InOrder {
  /** Entries of the part. */
  readonly entries: number;
  /** Indexes of entries of the part: from, and up to but without. */
  readonly from: number;
  readonly to: number;
  readonly sinceMs: number;
  /** Until then it is final: what follows the log changes nothing any more that ended by then. */
  readonly finalMs: number;
  /** By the key of a correlation that was looked at: from when on it is exact, since enough is known of what was before. */
  readonly exactFromMs: ReadonlyMap<string, number>;
  /** All that began by `finalMs`, also before it is exact; of what did not end by then, as if nothing more came. */
  readonly findings: readonly StoredFinding[];
}

const defaultMaxEntries = 500_000;
const maxFindings = 10_000;

/**
 * What correlations find in a part of history when its events are taken in the order in which they happened: so that none is
 * too late. Entries before it are read as far back as correlations remember. Rules over single events saw all of them as they
 * came, and so did those whose time is that of receipt.
 *
 * @throws SealtrailError invalid_parameter when the part is too large
 */
export function findInOrder(options: InOrderOptions): InOrder {
  const { reader, trail, rules, sinceMs, untilMs, latenessMs, nowMs, locate } = options;
  const { maxEntries = defaultMaxEntries } = options;
  const from = indexOfTime(reader, trail, sinceMs);
  const to = indexOfTime(reader, trail, untilMs);
  if (to - from > maxEntries)
    throw new SealtrailError(
      'invalid_parameter',
      `expected a time in which at most ${maxEntries} entries were received, found ${to - from}; take it in parts`,
    );
  const compiled = new CompiledRules(rules);
  const memories = memoriesOf(compiled.correlations);
  const memoryMs = Math.max(0, ...memories.values());
  const first = Math.max(indexOfTime(reader, trail, sinceMs - memoryMs), to - maxEntries, 0);
  const inputs = reader.entries(trail, first, to).map((bytes, i) => inputOf(bytes, first + i));
  // What was not read was received by then, and happened before.
  const [before] = first === 0 ? [] : reader.entries(trail, first - 1, first);
  const knownMs = before === undefined ? Number.NEGATIVE_INFINITY : inputOf(before, first - 1).receivedMs;
  const latestMs = inputs.reduce(
    (latest, input) => Math.max(latest, timeOf(input)),
    Number.NEGATIVE_INFINITY,
  );
  // Where nothing came behind the part, time has gone on as the clock has.
  const clockMs = to === reader.size(trail) ? Math.min(untilMs, nowMs) : Number.NEGATIVE_INFINITY;
  const finalMs = Math.max(latestMs, clockMs) - latenessMs;
  const exactFromMs = new Map<string, number>();
  for (const [number, { key }] of compiled.correlations.entries()) {
    if (compiled.isHeard[number] || !compiled.isCorrelationFinding[number]) continue;
    const exactMs = compiled.isClosed[number] ? Number.POSITIVE_INFINITY : knownMs + memories.get(key)!;
    exactFromMs.set(key, first === 0 ? Number.NEGATIVE_INFINITY : exactMs);
  }
  inputs.sort((a, b) => timeOf(a) - timeOf(b) || a.index - b.index);
  // Events of the same time are in no order: they are not late to each other.
  const detector = new Detector(compiled, { latenessMs: 1, locate });
  const findings = new Map<string, StoredFinding>();
  const keep = (episodes: ReturnType<Detector['finish']>): void => {
    for (const episode of episodes) {
      if (!exactFromMs.has(episode.rule.key)) continue;
      const finding = findingOfEpisode(trail, episode);
      if (finding.mergedInto !== undefined) findings.delete(finding.id);
      else findings.set(finding.id, finding);
    }
    if (findings.size > maxFindings)
      throw new SealtrailError('invalid_parameter', `found more than ${maxFindings}; take it in parts`);
  };
  for (let next = 0; next < inputs.length; next += 1024)
    keep(detector.take(inputs.slice(next, next + 1024)).episodes);
  keep(detector.finish());
  const begun = [...findings.values()].filter(({ startMs }) => startMs <= finalMs);
  return { entries: to - from, from, to, sinceMs, finalMs, exactFromMs, findings: begun };
}

const timeOf = ({ timeMs, receivedMs }: ReturnType<typeof inputOf>): number => Math.min(timeMs, receivedMs);

/** How far back correlations remember, those included that they are over. */
function memoriesOf(correlations: readonly LoadedCorrelation[]): Map<string, number> {
  const memories = new Map<string, number>();
  // Correlations stand behind what they are over.
  for (const { key, rules, document } of correlations) {
    const { correlation } = document;
    const inner = correlation.type === 'risk' ? [...memories.keys()] : rules;
    const innerMs = Math.max(0, ...inner.map((name) => memories.get(name) ?? 0));
    memories.set(key, memoryOf(correlation) + innerMs);
  }
  return memories;
}
