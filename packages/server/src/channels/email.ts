import type { ChannelTarget, Notification } from '@sealtrail/core';
import type { Outgoing } from '../channel-ports.ts';
import { cut, escapeHtml } from './plain-text.ts';
import { summaryOf } from './summary.ts';

/** Short enough for one line of most readers. */
const maxSubject = 180;

/**
 * A mail in text and HTML. All of an alert refer to one message id that is made of the alert's, so that mail readers show
 * them as one thread; each has an id of its own, made of the notification's, so that one that comes twice is known.
 */
export function emailMessage(
  notification: Notification,
  target: Extract<ChannelTarget, { kind: 'email' }>,
): Outgoing {
  const { alert } = notification.data;
  const { headline, facts } = summaryOf(notification);
  const domain = target.from.slice(target.from.lastIndexOf('@') + 1);
  const { host, port, security, user, password } = target;
  return {
    via: 'smtp',
    server: { host, port, security, user, password },
    mail: {
      from: target.from,
      to: target.to,
      subject: cut(`[${alert.level}] ${headline}`, maxSubject),
      text: `${headline}\n\n${facts.map(([label, value]) => `${label}: ${value}`).join('\n')}\n`,
      html: htmlOf(headline, facts),
      messageId: `<${notification.id}@${domain}>`,
      references: `<${alert.id}@${domain}>`,
    },
  };
}

function htmlOf(headline: string, facts: readonly (readonly [string, string])[]): string {
  const rows = facts.map(
    ([label, value]) =>
      `<tr><th align="left" valign="top">${escapeHtml(label)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  return `<!DOCTYPE html>\n<html><body><h2>${escapeHtml(headline)}</h2><table cellpadding="4">\n${rows.join('\n')}\n</table></body></html>\n`;
}
