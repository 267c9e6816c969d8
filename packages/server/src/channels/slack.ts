import type { Notification, Severity } from '@sealtrail/core';
import type { Outgoing } from '../channel-ports.ts';
import { cut } from './plain-text.ts';
import { summaryOf } from './summary.ts';

/** Limits of Block Kit, in characters and elements. */
const maxHeader = 150;
const maxField = 2000;
const maxFields = 10;

const signs: Readonly<Record<Severity, string>> = {
  informational: '⚪',
  low: '🔵',
  medium: '🟡',
  high: '🟠',
  critical: '🔴',
};

/** The three characters that Slack takes for its own: with them escaped, no text becomes a link or a mention. */
export const escapeSlack = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** A message in Block Kit, for an incoming webhook. */
export function slackRequest(notification: Notification, { url }: { readonly url: string }): Outgoing {
  const { headline, facts } = summaryOf(notification);
  const { level } = notification.data.alert;
  const sections = [];
  for (let from = 0; from < facts.length; from += maxFields)
    sections.push({
      type: 'section',
      fields: facts.slice(from, from + maxFields).map(([label, value]) => ({
        type: 'mrkdwn',
        text: bounded(`*${escapeSlack(label)}*\n${escapeSlack(value)}`, maxField),
        // Addresses and names in a text are not made into links.
        verbatim: true,
      })),
    });
  const title = `${signs[level]} ${headline}`;
  return {
    via: 'http',
    url,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      text: escapeSlack(`${title} (${level})`),
      blocks: [
        {
          type: 'header',
          text: { type: 'plain_text', text: bounded(escapeSlack(title), maxHeader), emoji: false },
        },
        ...sections,
      ],
      unfurl_links: false,
      unfurl_media: false,
    }),
  };
}

/** Cuts what is escaped without leaving half an escape at its end. */
const bounded = (escaped: string, maxLength: number): string =>
  cut(escaped, maxLength).replace(/&[a-z]{0,3}…$/, '…');
