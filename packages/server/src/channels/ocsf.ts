import { type Alert, type Disposition, ipKey, type Notification } from '@sealtrail/core';
import { attacksOf } from './attacks.ts';
import { cut, singleLine } from './plain-text.ts';
import { rankOf, summaryOf } from './summary.ts';

/** The version of the schema that events name, and the profiles whose attributes they have. */
const schemaVersion = '1.8.0';
const classUid = 2004;

const activities = { create: 1, update: 2, close: 3 } as const;
/** Workflow states, which `status_id` of a finding is about. */
const statuses: Readonly<Record<Alert['status'], number>> = {
  open: 1,
  acknowledged: 2,
  assigned: 2,
  resolved: 4,
};
const verdicts: Readonly<Record<Disposition, number>> = {
  false_positive: 1,
  true_positive: 2,
  benign: 5,
  duplicate: 10,
};
/** Of observables. */
const observableTypes = { ip: 2, subnet: 12, userId: 31 } as const;

/** A notification as an OCSF Detection Finding (class 2004). */
export function ocsfFinding(notification: Notification, version: string): Readonly<Record<string, unknown>> {
  const { alert } = notification.data;
  const activityId = activities[activityOf(notification)];
  const firstSeen = Date.parse(alert.firstEventAt);
  const lastSeen = Date.parse(alert.lastEventAt);
  return {
    activity_id: activityId,
    category_uid: 2,
    class_uid: classUid,
    type_uid: classUid * 100 + activityId,
    time: Date.parse(notification.timestamp),
    start_time: firstSeen,
    end_time: lastSeen,
    severity_id: rankOf[alert.level] + 1,
    status_id: statuses[alert.status],
    is_alert: true,
    count: alert.findings,
    risk_score: alert.risk,
    message: summaryOf(notification).headline,
    metadata: {
      version: schemaVersion,
      // `verdict_id` is of the profile incident.
      profiles: ['incident', 'security_control'],
      product: { name: 'Sealtrail', vendor_name: 'Sealtrail', version },
      uid: notification.id,
      event_code: notification.type,
      log_name: alert.trail,
      ...(alert.tenant !== null && { tenant_uid: bounded(alert.tenant) }),
    },
    finding_info: {
      uid: alert.id,
      title: bounded(alert.rule.title),
      analytic: { type_id: 1, uid: bounded(alert.rule.key), name: bounded(alert.rule.title) },
      created_time: Date.parse(alert.openedAt),
      modified_time: Date.parse(alert.changedAt),
      first_seen_time: firstSeen,
      last_seen_time: lastSeen,
      ...nonEmpty('attacks', attacksOf(alert.tags)),
    },
    ...(alert.disposition !== null && { verdict_id: verdicts[alert.disposition] }),
    ...nonEmpty('evidences', evidencesOf(alert)),
    ...nonEmpty('observables', observablesOf(alert)),
    unmapped: {
      entity: Object.fromEntries(
        Object.entries(alert.entity).map(([field, value]) => [
          bounded(field),
          typeof value === 'string' ? bounded(value) : value,
        ]),
      ),
      entries: alert.entries,
      revision: alert.revision,
    },
  };
}

function activityOf({ type }: Notification): keyof typeof activities {
  switch (type) {
    case 'alert.opened':
    case 'channel.test':
      return 'create';
    case 'alert.updated':
    case 'alert.repeated':
      return 'update';
    case 'alert.resolved':
      return 'close';
  }
}

const isAddress = (text: string): boolean => ipKey(text) !== undefined;

/** A network is no `ip`, and an endpoint has no place for one. */
const evidencesOf = ({ actors, addresses }: Alert): readonly unknown[] => [
  ...actors.map((uid) => ({ actor: { user: { uid: bounded(uid) } } })),
  ...addresses.map((address) =>
    isAddress(address) ? { src_endpoint: { ip: address } } : { data: { network: address } },
  ),
];

const observablesOf = ({ actors, addresses }: Alert): readonly unknown[] => [
  ...actors.map((uid) => ({
    type_id: observableTypes.userId,
    name: 'evidences.actor.user.uid',
    value: bounded(uid),
  })),
  ...addresses.map((address) =>
    isAddress(address)
      ? { type_id: observableTypes.ip, name: 'evidences.src_endpoint.ip', value: address }
      : { type_id: observableTypes.subnet, name: 'evidences.data.network', value: address },
  ),
];

const nonEmpty = (name: string, list: readonly unknown[]): Readonly<Record<string, unknown>> =>
  list.length === 0 ? {} : { [name]: list };

const bounded = (text: string): string => cut(singleLine(text), 512);
