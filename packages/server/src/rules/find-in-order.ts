import { SealtrailError } from '@sealtrail/core';
import { CompiledRules, Detector, type Locate } from '@sealtrail/core/sigma';
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
  readonly locate?: Locate | undefined;
}

/** All of them are held in memory. */
const maxEntries = 500_000;
const maxFindings = 10_000;

/**
 * What correlations find in a part of history when its events are taken in the order in which they happened: so that none is
 * too late. Rules over single events saw all of them as they came.
 *
 * @throws SealtrailError invalid_parameter when the part is too large
 */
export function findInOrder({ reader, trail, rules, sinceMs, untilMs, locate }: InOrderOptions): {
  readonly entries: number;
  readonly findings: readonly StoredFinding[];
} {
  const from = indexOfTime(reader, trail, sinceMs);
  const to = indexOfTime(reader, trail, untilMs);
  if (to - from > maxEntries)
    throw new SealtrailError(
      'invalid_parameter',
      `expected a time in which at most ${maxEntries} entries were received, found ${to - from}; take it in parts`,
    );
  const timeOf = ({ timeMs, receivedMs }: ReturnType<typeof inputOf>): number => Math.min(timeMs, receivedMs);
  const inputs = reader
    .entries(trail, from, to)
    .map((bytes, i) => inputOf(bytes, from + i))
    .sort((a, b) => timeOf(a) - timeOf(b) || a.index - b.index);
  // Events of the same time are in no order: they are not late to each other.
  const detector = new Detector(new CompiledRules(rules), { latenessMs: 1, locate });
  const findings = new Map<string, StoredFinding>();
  const keep = (episodes: ReturnType<Detector['finish']>): void => {
    for (const episode of episodes) {
      const finding = findingOfEpisode(trail, episode);
      if (finding.mergedInto !== undefined) findings.delete(finding.id);
      else findings.set(finding.id, finding);
    }
    if (findings.size > maxFindings)
      throw new SealtrailError('invalid_parameter', `found more than ${maxFindings}; take it in parts`);
  };
  for (let next = 0; next < inputs.length; next += 1024)
    keep(detector.take(inputs.slice(next, next + 1024)).episodes);
  keep(detector.finish(untilMs));
  return { entries: to - from, findings: [...findings.values()] };
}
