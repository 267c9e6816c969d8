import type { Alert, Notification, NotificationKind, Severity } from '@sealtrail/core';
import { cut, singleLine } from './plain-text.ts';

/** What people are told, whatever it is shown in. */
export interface Summary {
  /** One line, at most 256 code units. */
  readonly headline: string;
  /** What is known, the most important first: a short label and one line of text each. */
  readonly facts: readonly (readonly [label: string, value: string])[];
}

const maxValue = 256;
/** Fields of an entity that are shown; rules group by few. */
const maxFields = 8;

const openings: Readonly<Record<NotificationKind, string>> = {
  'alert.opened': 'Alert',
  'alert.updated': 'Alert goes on',
  'alert.repeated': 'Alert is still open',
  'alert.resolved': 'Alert is resolved',
  'channel.test': 'Test of a channel',
};

/** What people are told by a notification. Values come from events, so nothing in them is trusted. */
export function summaryOf({ type, data: { alert } }: Notification): Summary {
  const fields = Object.entries(alert.entity).slice(0, maxFields);
  const facts: (readonly [string, string])[] = [
    ['Level', alert.level],
    ['Rule', alert.rule.key],
    ...fields.map(([field, value]) => [cut(singleLine(field), 64), String(value)] as const),
    ['Actors', alert.actors.join(', ')],
    ['Addresses', alert.addresses.join(', ')],
    ['Trail', alert.trail],
    ['Tenant', alert.tenant ?? ''],
    ['Findings', String(alert.findings)],
    ['Risk', String(alert.risk)],
    ['First event', alert.firstEventAt],
    ['Last event', alert.lastEventAt],
    ['Status', statusOf(alert)],
    ['Tags', alert.tags.join(', ')],
    ['Alert', alert.id],
  ];
  return {
    headline: cut(singleLine(`${openings[type]}: ${alert.rule.title}`), maxValue),
    facts: facts
      .map(([label, value]) => [label, cut(singleLine(value), maxValue)] as const)
      .filter(([, value]) => value !== ''),
  };
}

function statusOf({ status, assignee, disposition }: Alert): string {
  if (status === 'assigned' && assignee !== null) return `assigned to ${assignee}`;
  return disposition === null ? status : `${status}: ${disposition.replaceAll('_', ' ')}`;
}

/** Ranks of levels, the worst highest: 0 to 4. */
export const rankOf: Readonly<Record<Severity, number>> = {
  informational: 0,
  low: 1,
  medium: 2,
  high: 3,
  critical: 4,
};
