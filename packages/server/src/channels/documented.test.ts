import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Outgoing } from '../channel-ports.ts';
import { outgoingOf } from './outgoing.ts';
import { sampleNotification } from './testing/sample-notification.ts';
import { sampleTargets } from './testing/sample-targets.ts';

const documentation = readFileSync(new URL('../../../../docs/channels.md', import.meta.url), 'utf8');

/** What is sent, as the documentation shows it: JSON is laid out as it stands there. */
function shownOf(outgoing: Outgoing): string {
  switch (outgoing.via) {
    case 'http':
      return outgoing.body;
    case 'smtp':
      return `Subject: ${outgoing.mail.subject}\n\n${outgoing.mail.text}`;
    case 'syslog':
      return outgoing.message;
    case 'stdout':
      return outgoing.line;
  }
}

/** Two texts are alike when both are JSON of the same value, or the same but for white space at their ends. */
function readable(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.trim().replaceAll('\ufeff', '');
  }
}

const blocks = [...documentation.matchAll(/<!-- example: (\S+ \d) -->\n```\w*\n(.*?)```/gs)].map(
  ([, name, text]) => [name!, text!] as const,
);

describe('docs/channels.md', () => {
  it('shows an example of each kind', () => {
    const kinds = new Set(blocks.map(([name]) => name.split(' ')[0]));
    expect(kinds).toEqual(new Set(sampleTargets.map(([, { kind }]) => kind)));
  });

  it.each(blocks)('shows what is sent: %s', (name, text) => {
    const target = sampleTargets.find(([known]) => known === name)![1];
    const channel = { target, personalData: false };
    const outgoing = outgoingOf(sampleNotification(), channel, { nowMs: 0, version: '0.1.0' });
    expect(readable(text)).toEqual(readable(shownOf(outgoing)));
  });
});
