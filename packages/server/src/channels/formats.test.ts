import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import type { Outgoing } from '../channel-ports.ts';
import { cefOf } from './cef.ts';
import { emailMessage } from './email.ts';
import { outgoingOf } from './outgoing.ts';
import { pagerdutyRequest } from './pagerduty.ts';
import { escapeHtml } from './plain-text.ts';
import { slackRequest } from './slack.ts';
import { syslogMessage } from './syslog.ts';
import { teamsRequest } from './teams.ts';
import { sampleNotification } from './testing/sample-notification.ts';
import { sampleTarget, sampleTargets } from './testing/sample-targets.ts';
import { webhookRequest } from './webhook.ts';

const bodyOf = <Body>(outgoing: Outgoing): Body =>
  JSON.parse(outgoing.via === 'http' ? outgoing.body : '') as Body;

interface SlackBody {
  readonly blocks: readonly {
    readonly type: string;
    readonly text: { readonly text: string };
    readonly fields?: readonly { readonly text: string }[];
  }[];
}
interface TeamsBody {
  readonly type: string;
  readonly attachments: readonly {
    readonly contentType: string;
    readonly content: {
      readonly body: readonly {
        readonly type: string;
        readonly inlines: readonly { readonly type: string; readonly text: string }[];
      }[];
    };
  }[];
}
interface PagerdutyBody {
  readonly event_action: string;
  readonly dedup_key: string;
  readonly payload: { readonly severity: string };
}

/** Text that tries to break out of whatever holds it, and anything else. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        '<',
        '>',
        '&',
        '"',
        "'",
        '\\',
        ']',
        '[',
        '=',
        '|',
        '\n',
        '\r',
        '*',
        ' ',
        'a',
        '\u2028',
        '\ud83d\ude00',
      ),
      { maxLength: 40 },
    )
    .map((parts) => parts.join('')),
);
/** What is left of a text in one line. */
const line = (text: string): string =>
  text.toWellFormed().replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ');

describe('a webhook', () => {
  it('is verified with any of its keys', () => {
    const now = Date.now();
    const keys = ['first', 'second'].map(
      (key) => `whsec_${Buffer.from(`${key} key of the tests, long enough`).toString('base64')}`,
    );
    const notification = sampleNotification();
    const request = webhookRequest(notification, { url: 'https://hooks.example.com/', secrets: keys }, now);
    if (request.via !== 'http') throw new Error('expected a request');
    for (const key of keys)
      expect(new Webhook(key).verify(request.body, request.headers)).toEqual(notification);
    const other = new Webhook(`whsec_${Buffer.from('another key').toString('base64')}`);
    expect(() => other.verify(request.body, request.headers)).toThrow('No matching signature');
    expect(() => new Webhook(keys[0]!).verify(`${request.body} `, request.headers)).toThrow('No matching');
  });
});

describe('Slack', () => {
  const unescapeSlack = (text: string): string =>
    text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

  it('keeps within the limits of Block Kit', () => {
    const entity = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`field${i}`, '&'.repeat(4000)]));
    const body = bodyOf<SlackBody>(
      slackRequest(
        sampleNotification({ entity, rule: { key: 'k', title: '<'.repeat(500) } }),
        sampleTarget('slack'),
      ),
    );
    expect(body.blocks.length).toBeLessThanOrEqual(50);
    for (const block of body.blocks) {
      if (block.type === 'header') expect(block.text.text.length).toBeLessThanOrEqual(150);
      else {
        expect(block.fields!.length).toBeLessThanOrEqual(10);
        for (const { text } of block.fields!) expect(text.length).toBeLessThanOrEqual(2000);
      }
    }
  });

  it('lets no text become a link or a mention', () => {
    fc.assert(
      fc.property(hostile, (value) => {
        const body = bodyOf<SlackBody>(
          slackRequest(sampleNotification({ entity: { field: value } }), sampleTarget('slack')),
        );
        expect(JSON.stringify(body)).not.toMatch(/[<>]/);
        const texts = body.blocks.flatMap((block) => block.fields ?? []).map(({ text }) => text);
        if (line(value) !== '') expect(texts.map(unescapeSlack)).toContain(`*field*\n${line(value)}`);
      }),
    );
  });
});

describe('Teams', () => {
  it('holds text in text runs alone, where no Markdown is read', () => {
    const value = '[reset your password](https://example.com)';
    const body = bodyOf<TeamsBody>(
      teamsRequest(sampleNotification({ entity: { field: value } }), sampleTarget('teams')),
    );
    const { content, contentType } = body.attachments[0]!;
    expect([body.type, contentType]).toEqual(['message', 'application/vnd.microsoft.card.adaptive']);
    const runs = content.body.flatMap(({ inlines }) => inlines);
    expect(new Set(content.body.map(({ type }) => type))).toEqual(new Set(['RichTextBlock']));
    expect(runs.every(({ type }) => type === 'TextRun')).toBe(true);
    expect(runs.map(({ text }) => text)).toContain(value);
  });
});

describe('PagerDuty', () => {
  it.each([
    ['alert.opened', 'open', 'trigger'],
    ['alert.repeated', 'open', 'trigger'],
    ['alert.updated', 'open', 'trigger'],
    ['alert.updated', 'acknowledged', 'acknowledge'],
    ['alert.updated', 'assigned', 'acknowledge'],
    ['alert.resolved', 'resolved', 'resolve'],
    ['channel.test', 'open', 'trigger'],
  ] as const)('takes %s of an alert that is %s for %s', (type, status, action) => {
    const body = bodyOf<PagerdutyBody>(
      pagerdutyRequest(sampleNotification({ status }, type), sampleTarget('pagerduty')),
    );
    expect([body.event_action, body.dedup_key]).toEqual([action, 'alr_0123456789abcdef01234567']);
  });

  it.each([
    ['informational', 'info'],
    ['low', 'info'],
    ['medium', 'warning'],
    ['high', 'error'],
    ['critical', 'critical'],
  ] as const)('takes the level %s for %s', (level, severity) => {
    const body = bodyOf<PagerdutyBody>(
      pagerdutyRequest(sampleNotification({ level }), sampleTarget('pagerduty')),
    );
    expect(body.payload.severity).toBe(severity);
  });
});

describe('e-mail', () => {
  it('has headers of one line, whatever a rule or an event says', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const outgoing = emailMessage(
          sampleNotification({ rule: { key: 'k', title: text } }),
          sampleTarget('email'),
        );
        if (outgoing.via !== 'smtp') throw new Error('expected a mail');
        const { subject, messageId, references } = outgoing.mail;
        expect(subject + messageId + references).not.toMatch(/[\r\n]/);
      }),
    );
  });

  it('is HTML in which no text is an element', () => {
    fc.assert(
      fc.property(hostile, (value) => {
        const outgoing = emailMessage(
          sampleNotification({ entity: { field: value } }),
          sampleTarget('email'),
        );
        if (outgoing.via !== 'smtp') throw new Error('expected a mail');
        const tags = (html: string): string[] => html.match(/<[^>]*>?/g) ?? [];
        const rows = (line(value) === '' ? 0 : 1) * 6;
        const plain = emailMessage(sampleNotification({ entity: {} }), sampleTarget('email'));
        if (plain.via !== 'smtp') throw new Error('expected a mail');
        expect(tags(outgoing.mail.html).length).toBe(tags(plain.mail.html).length + rows);
        const escaped = escapeHtml(line(value));
        expect(outgoing.mail.html).toContain(escaped);
        expect(escaped.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code))).toBe(line(value));
      }),
    );
  });

  it('is one thread an alert, and one message a notification', () => {
    const [first, second] = [1, 2].map((number) =>
      emailMessage(sampleNotification({}, 'alert.updated', number), sampleTarget('email')),
    );
    if (first?.via !== 'smtp' || second?.via !== 'smtp') throw new Error('expected a mail');
    expect(first.mail.references).toBe(second.mail.references);
    expect(first.mail.messageId).not.toBe(second.mail.messageId);
  });
});

/** Reads a message as RFC 5424 section 6 writes it. */
function parseSyslog(message: string): {
  header: string[];
  data: Record<string, [string, string][]>;
  text: string;
} {
  const start = /^<(\d{1,3})>1 (\S+) (\S+) (\S+) (\S+) (\S+) /.exec(message)!;
  let rest = message.slice(start[0].length);
  const data: Record<string, [string, string][]> = {};
  if (rest.startsWith('-')) rest = rest.slice(1);
  while (rest.startsWith('[')) {
    const element = /^\[([^\s=\]"]{1,32})((?: [^\s=\]"]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*)\]/.exec(rest);
    if (!element) throw new Error(`not an element: ${rest}`);
    data[element[1]!] = [...element[2]!.matchAll(/ ([^=]+)="((?:[^"\\\]]|\\.)*)"/gs)].map(
      ([, name, value]) => [name!, value!.replace(/\\(["\\\]])/g, '$1')],
    );
    rest = rest.slice(element[0].length);
  }
  return { header: [...start].slice(1), data, text: rest };
}

describe('syslog', () => {
  const tls = sampleTarget('syslog');
  const udp = { ...tls, transport: 'udp' as const };
  const messageOf = (outgoing: Outgoing): string => (outgoing.via === 'syslog' ? outgoing.message : '');

  it('has a header and structured data of RFC 5424', () => {
    const { header, data, text } = parseSyslog(messageOf(syslogMessage(sampleNotification(), tls, '1')));
    expect(header).toEqual(['107', '2026-01-31T09:35:02.000Z', '-', 'sealtrail', '-', 'alert.opened']);
    expect(Object.fromEntries(data['alert@32473']!)).toMatchObject({
      rule: 'brute-force',
      findings: '3',
      tenant: 'acme',
    });
    expect(data['entity@32473']).toEqual([
      ['actor.id', 'u_1'],
      ['source.ip', '192.0.2.77'],
    ]);
    expect(text).toBe(' \ufeffAlert: Many failed sign-ins, then one that succeeds');
  });

  it('gives back what went in, and nothing breaks out', () => {
    fc.assert(
      fc.property(hostile, hostile, (value, field) => {
        const notification = sampleNotification({ entity: { [field]: value } });
        const { data } = parseSyslog(messageOf(syslogMessage(notification, tls, '1')));
        expect(Object.keys(data).length).toBe(line(value) === '' ? 1 : 2);
        if (line(value) !== '') expect(data['entity@32473']!.map(([, text]) => text)).toEqual([line(value)]);
      }),
    );
  });

  it.each(['rfc5424', 'cef'] as const)(
    'fits into a datagram, whole, however long the values are: %s',
    (format) => {
      fc.assert(
        fc.property(
          fc.constantFrom('"', ']', '=', '\\', '€', '😀', 'a'),
          fc.integer({ min: 1, max: 3000 }),
          (unit, count) => {
            const long = unit.repeat(count);
            const notification = sampleNotification({
              tenant: long,
              rule: { key: long, title: long },
              actors: [long, long],
              entity: Object.fromEntries([1, 2, 3].map((i) => [`field${i}`, long])),
            });
            const message = messageOf(syslogMessage(notification, { ...udp, format }, '1'));
            expect(Buffer.byteLength(message)).toBeLessThanOrEqual(2048);
            expect(message.isWellFormed()).toBe(true);
            const { text } = parseSyslog(message);
            if (format === 'rfc5424') expect(text).toMatch(/^ \ufeffAlert: /);
            else expect(text).not.toMatch(/(?<!\\)(?:\\\\)*\\$/);
          },
        ),
      );
    },
  );
});

describe('CEF', () => {
  it('gives back what went in: the header by |, the extension by key=', () => {
    fc.assert(
      fc.property(hostile, hostile, (title, value) => {
        const cef = cefOf(
          sampleNotification({ rule: { key: 'k', title }, entity: { field: value } }),
          '1',
          8192,
        );
        expect(cef).not.toMatch(/[\r\n]/);
        const header = /^CEF:0((?:\|(?:[^|\\]|\\.)*){6})\|/s.exec(cef)!;
        const parts = header[1]!.slice(1).split(/(?<=(?:^|[^\\])(?:\\\\)*)\|/);
        expect(parts[4]!.replace(/\\([\\|])/g, '$1')).toBe(line(title));
        const extension = cef.slice(header[0].length);
        const entity = / cs3=((?:[^=\\]|\\.)*) cs4Label=/s.exec(extension)![1]!;
        expect(entity.replace(/\\([\\=])/g, '$1')).toBe(`field: ${line(value)}`);
      }),
    );
  });
});

describe('every kind', () => {
  it.each(sampleTargets)('is bounded, whatever an alert holds: %s', (_name, target) => {
    const long = 'x'.repeat(60_000);
    const notification = sampleNotification({
      entity: { field: long },
      rule: { key: long, title: long },
      tenant: long,
      actors: [long],
    });
    const channel = { target, personalData: true };
    const size = JSON.stringify(outgoingOf(notification, channel, { nowMs: 0, version: '1' })).length;
    // A webhook and a line of JSON hold the alert as it is.
    const isWhole = target.kind === 'webhook' || (target.kind === 'stdout' && target.format === 'json');
    expect(size).toBeLessThan(isWhole ? 400_000 : 28_000);
  });
});
