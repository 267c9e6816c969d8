import { createHash } from 'node:crypto';
import type { EpisodeFinding, MatchFinding } from '@sealtrail/core/sigma';
import type { StoredFinding } from '../../ports.ts';

/** A finding's id out of what makes it this one: whoever follows the log again comes to the same. */
function findingId(...parts: readonly (string | number)[]): string {
  const digest = createHash('sha256')
    .update(`sealtrail/finding/v1\0${JSON.stringify(parts)}`)
    .digest();
  return `fnd_${digest.toString('hex').slice(0, 24)}`;
}

/** A match of a rule over single events, as it is kept. */
export function findingOfMatch(trail: string, { rule, input }: MatchFinding): StoredFinding {
  const timeMs = Math.min(input.timeMs, input.receivedMs);
  return {
    id: findingId('match', trail, rule.key, input.index),
    trail,
    tenant: input.partition || undefined,
    rule: rule.key,
    kind: 'match',
    group: {},
    ...{ startMs: timeMs, lastMs: timeMs, endMs: timeMs, peak: 1 },
    entries: [input.index],
    mergedInto: undefined,
  };
}

/** An episode of a correlation, as it is kept. */
export function findingOfEpisode(trail: string, finding: EpisodeFinding): StoredFinding {
  const { rule, group, episode } = finding;
  const fields = rule.document.correlation.groupBy;
  return {
    id: episodeId(trail, finding, episode),
    trail,
    tenant: group.partition || undefined,
    rule: rule.key,
    kind: 'correlation',
    group: Object.fromEntries(fields.map((field, i) => [field, group.values[i]!])),
    startMs: episode.startMs,
    lastMs: episode.lastMs,
    endMs: Number.isFinite(episode.endMs) ? episode.endMs : undefined,
    peak: episode.peak,
    entries: [...new Set([...episode.samples, episode.completedBy])],
    mergedInto: episode.mergedInto && episodeId(trail, finding, episode.mergedInto),
  };
}

const episodeId = (
  trail: string,
  { rule, group }: EpisodeFinding,
  { raisedAt, raisedMs, value }: EpisodeFinding['episode'],
): string =>
  findingId(
    'correlation',
    trail,
    rule.key,
    JSON.stringify([group.partition, ...group.values]),
    raisedAt,
    raisedMs,
    // One event can have several values that are each a finding.
    ...(value === undefined ? [] : [value]),
  );
