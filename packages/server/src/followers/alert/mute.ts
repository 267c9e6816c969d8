import { type SilenceMatch, severities } from '@sealtrail/core';
import { systemTrail } from '../../access/permissions.ts';
import type { AlertStore, StoredAlert, StoredSilence } from '../../detection-ports.ts';
import { shareEntity } from './alert-book.ts';

/** Why channels are not told of an alert at the moment; both empty: they are. */
export interface Muting {
  readonly silencedBy: readonly string[];
  readonly inhibitedBy: readonly string[];
}

/** Whether a silence is about an alert. */
export function isMeant(
  { match, exceptSystem }: Pick<StoredSilence, 'match' | 'exceptSystem'>,
  alert: StoredAlert,
): boolean {
  const { rule, maxLevel, trail, tenant, entity = {} }: SilenceMatch = match;
  return (
    !(exceptSystem && alert.trail === systemTrail) &&
    (rule === undefined || rule === alert.rule.key) &&
    (maxLevel === undefined || severities.indexOf(alert.level) <= severities.indexOf(maxLevel)) &&
    (trail === undefined || trail === alert.trail) &&
    (tenant === undefined || tenant === alert.tenant) &&
    Object.entries(entity).every(
      ([field, value]) => Object.hasOwn(alert.entity, field) && alert.entity[field] === value,
    )
  );
}

export const isActive = ({ startsAt, endsAt }: StoredSilence, nowMs: number): boolean =>
  Date.parse(startsAt) <= nowMs && nowMs < Date.parse(endsAt);

/**
 * What keeps an alert from being told.
 *
 * @param inhibitors keys of the rules whose open alerts stand for those of a rule
 */
export function mutingOf(
  alert: StoredAlert,
  parts: {
    readonly store: Pick<AlertStore, 'openSilences' | 'above'>;
    readonly inhibitors: (rule: string) => readonly string[];
    readonly nowMs: number;
  },
): Muting {
  const { store, inhibitors, nowMs } = parts;
  return {
    silencedBy: store
      .openSilences(nowMs)
      .filter((silence) => isActive(silence, nowMs) && isMeant(silence, alert))
      .map(({ id }) => id),
    inhibitedBy: store
      // Of a higher level alone: so no two stand for each other, and whoever is told of the one would be of the other.
      .above(alert, inhibitors(alert.rule.key))
      .filter((other) => other.tenant === alert.tenant && shareEntity(other, alert))
      .slice(0, 10)
      .map(({ id }) => id),
  };
}
