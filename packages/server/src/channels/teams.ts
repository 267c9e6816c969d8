import type { Notification, Severity } from '@sealtrail/core';
import type { Outgoing } from '../channel-ports.ts';
import { summaryOf } from './summary.ts';

const colours: Readonly<Record<Severity, string>> = {
  informational: 'default',
  low: 'accent',
  medium: 'warning',
  high: 'attention',
  critical: 'attention',
};

/**
 * An Adaptive Card in the envelope that a Workflows webhook of Teams takes. Text stands in text runs, which unlike text
 * blocks and facts read no Markdown: nothing out of an event becomes a link.
 */
export function teamsRequest(notification: Notification, { url }: { readonly url: string }): Outgoing {
  const { headline, facts } = summaryOf(notification);
  const title = {
    type: 'TextRun',
    text: headline,
    weight: 'bolder',
    size: 'large',
    color: colours[notification.data.alert.level],
  };
  const card = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    fallbackText: headline,
    body: [
      { type: 'RichTextBlock', inlines: [title] },
      ...facts.map(([label, value], i) => ({
        type: 'RichTextBlock',
        spacing: i === 0 ? 'medium' : 'none',
        inlines: [
          { type: 'TextRun', text: `${label}: `, weight: 'bolder' },
          { type: 'TextRun', text: value },
        ],
      })),
    ],
  };
  return {
    via: 'http',
    url,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      type: 'message',
      attachments: [
        { contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content: card },
      ],
    }),
  };
}
