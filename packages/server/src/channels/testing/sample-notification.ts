import type { Alert, Notification, NotificationKind } from '@sealtrail/core';

/** An alert about sample data, with whatever a test is about. */
export function sampleAlert(given: Partial<Alert> = {}): Alert {
  return {
    id: 'alr_0123456789abcdef01234567',
    revision: 7,
    trail: 'main',
    tenant: 'acme',
    rule: { key: 'brute-force', title: 'Many failed sign-ins, then one that succeeds' },
    level: 'high',
    tags: ['attack.credential-access', 'attack.t1110.003', 'attack.g0007', 'detection.threat-hunting'],
    entity: { 'actor.id': 'u_1', 'source.ip': '192.0.2.77' },
    actors: ['u_1', 'u_2'],
    addresses: ['192.0.2.77', '2001:db8:1:2::77'],
    status: 'open',
    assignee: null,
    disposition: null,
    duplicateOf: null,
    findings: 3,
    risk: 120,
    entries: [10, 11, 30],
    firstEventAt: '2026-01-31T09:30:00.000Z',
    lastEventAt: '2026-01-31T09:35:00.000Z',
    openedAt: '2026-01-31T09:35:01.000Z',
    changedAt: '2026-01-31T09:35:01.000Z',
    acknowledgedAt: null,
    resolvedAt: null,
    silencedBy: [],
    inhibitedBy: [],
    ...given,
  };
}

/** A notification of a {@link sampleAlert}; its number makes its id. */
export function sampleNotification(
  given: Partial<Alert> = {},
  type: NotificationKind = 'alert.opened',
  number = 1,
): Notification {
  return {
    id: `ntf_${number.toString(16).padStart(24, '0')}`,
    type,
    timestamp: '2026-01-31T09:35:02.000Z',
    data: { alert: sampleAlert(given) },
  };
}
