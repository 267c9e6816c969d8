import type { Notification, Severity } from '@sealtrail/core';
import type { Outgoing } from '../channel-ports.ts';
import { cut } from './plain-text.ts';
import { summaryOf } from './summary.ts';

/** Of the Events API v2, in characters. */
const maxSummary = 1024;

const severities: Readonly<Record<Severity, string>> = {
  informational: 'info',
  low: 'info',
  medium: 'warning',
  high: 'error',
  critical: 'critical',
};

/** An event of PagerDuty's Events API v2. All of an alert are one incident there: its id is their `dedup_key`. */
export function pagerdutyRequest(
  notification: Notification,
  target: { readonly url: string; readonly routingKey: string },
): Outgoing {
  const { alert } = notification.data;
  const { headline, facts } = summaryOf(notification);
  const event = {
    routing_key: target.routingKey,
    event_action: actionOf(notification),
    dedup_key: alert.id,
    client: 'Sealtrail',
    payload: {
      summary: cut(headline, maxSummary),
      source: cut(alert.tenant === null ? alert.trail : `${alert.trail} / ${alert.tenant}`, 256),
      severity: severities[alert.level],
      timestamp: alert.lastEventAt,
      component: alert.trail,
      class: cut(alert.rule.key, 256),
      custom_details: Object.fromEntries(facts),
    },
  };
  return {
    via: 'http',
    url: target.url,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
  };
}

/** What somebody has taken up is acknowledged there too, when they are told of it. */
function actionOf({ type, data: { alert } }: Notification): 'trigger' | 'acknowledge' | 'resolve' {
  if (type === 'alert.resolved') return 'resolve';
  const isTaken = alert.status === 'acknowledged' || alert.status === 'assigned';
  return type === 'alert.updated' && isTaken ? 'acknowledge' : 'trigger';
}
