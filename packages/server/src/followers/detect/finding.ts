import { createHash } from 'node:crypto';
import type { Entity } from '@sealtrail/core';
import { type EpisodeFinding, fieldValues, type MatchFinding, type RuleEvent } from '@sealtrail/core/sigma';
import type { StoredFinding } from '../../detection-ports.ts';

const maxValueLength = 512;

/** A finding's id out of what makes it this one: whoever follows the log again comes to the same. */
function findingId(...parts: readonly (string | number)[]): string {
  const digest = createHash('sha256')
    .update(`sealtrail/finding/v1\0${JSON.stringify(parts)}`)
    .digest();
  return `fnd_${digest.toString('hex').slice(0, 24)}`;
}

/** A match of a rule over single events, as it is kept. */
export function findingOfMatch(trail: string, { rule, input, view }: MatchFinding): StoredFinding {
  const timeMs = Math.min(input.timeMs, input.receivedMs);
  const wanted = rule.document.header.sealtrail?.['group-by'];
  return {
    id: findingId('match', trail, rule.key, input.index),
    trail,
    tenant: input.partition || undefined,
    rule: rule.key,
    kind: 'match',
    entity: wanted ? valuesIn(view.event, wanted) : whoOf(input.views[0]!.event),
    ...{ startMs: timeMs, lastMs: timeMs, endMs: timeMs, peak: 1, value: undefined },
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
    entity: Object.fromEntries(fields.map((field, i) => [field, short(group.values[i]!)])),
    startMs: episode.startMs,
    lastMs: episode.lastMs,
    endMs: Number.isFinite(episode.endMs) ? episode.endMs : undefined,
    peak: episode.peak,
    value: episode.value,
    entries: [...new Set([...episode.samples, episode.completedBy])],
    mergedInto: episode.mergedInto && episodeId(trail, finding, episode.mergedInto),
  };
}

/** Of whom an event is, where its rule does not say what to group by: its actor, or else its address. */
function whoOf(entry: RuleEvent): Entity {
  const actor = valuesIn(entry, ['actor.id']);
  return Object.keys(actor).length > 0 ? actor : valuesIn(entry, ['source.ip']);
}

function valuesIn(event: RuleEvent, fields: readonly string[]): Entity {
  return Object.fromEntries(
    fields.flatMap((field) => {
      const value = fieldValues(event, field)?.find(isScalar);
      return value === undefined ? [] : [[field, short(value)] as const];
    }),
  );
}

/** What is shown wherever the alert is: of a long text the beginning. */
const short = (value: Entity[string]): Entity[string] =>
  typeof value === 'string' ? value.slice(0, maxValueLength).toWellFormed() : value;

const isScalar = (value: unknown): value is Entity[string] =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

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
