import type { Notification } from '@sealtrail/core';
import { Webhook } from 'standardwebhooks';
import type { Outgoing } from '../channel-ports.ts';

/**
 * A request of Standard Webhooks. The body is the notification as JSON. Each key signs it, so that a receiver which knows
 * one of them can verify it while keys are changed. The time that is signed is that of the attempt, as the specification
 * wants it: receivers refuse what is older than five minutes.
 */
export function webhookRequest(
  notification: Notification,
  target: { readonly url: string; readonly secrets?: readonly string[] | undefined },
  nowMs: number,
): Outgoing {
  const body = JSON.stringify(notification);
  const at = new Date(nowMs);
  // The service gives every webhook a key: what nobody can verify does not leave.
  if (target.secrets === undefined) throw new Error('expected a webhook with a key');
  const signatures = target.secrets.map((secret) => new Webhook(secret).sign(notification.id, at, body));
  return {
    via: 'http',
    url: target.url,
    headers: {
      'content-type': 'application/json',
      'webhook-id': notification.id,
      'webhook-timestamp': String(Math.floor(nowMs / 1000)),
      'webhook-signature': signatures.join(' '),
    },
    body,
  };
}
