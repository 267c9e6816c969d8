import type { Notification } from '@sealtrail/core';

/** What a test of a channel sends: an alert that is plainly none. */
export function testNotification(id: string, nowMs: number): Notification {
  const now = new Date(nowMs).toISOString();
  return {
    id,
    type: 'channel.test',
    timestamp: now,
    data: {
      alert: {
        // Of the notification, so that two tests are not one incident.
        id: id.replace(/^ntf_/, 'alr_'),
        revision: 1,
        trail: 'main',
        tenant: null,
        rule: { key: 'channel-test', title: 'This is only a test' },
        level: 'informational',
        tags: [],
        entity: { 'actor.id': 'u_1', 'source.ip': '192.0.2.1' },
        actors: ['u_1'],
        addresses: ['192.0.2.1'],
        status: 'open',
        assignee: null,
        disposition: null,
        duplicateOf: null,
        findings: 1,
        risk: 0,
        entries: [],
        firstEventAt: now,
        lastEventAt: now,
        openedAt: now,
        changedAt: now,
        acknowledgedAt: null,
        resolvedAt: null,
        silencedBy: [],
        inhibitedBy: [],
      },
    },
  };
}
