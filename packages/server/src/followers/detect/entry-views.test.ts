import { type Entry, type Event, entryText, eventOfValue } from '@sealtrail/core';
import { CompiledRules, Detector, loadRules } from '@sealtrail/core/sigma';
import { builtInSource } from '@sealtrail/core/sources';
import { describe, expect, it } from 'vitest';
import { inputOf } from './entry-views.ts';

const clock = { latestMs: Date.UTC(2026, 5, 30), offsetMinutes: 0 };
const bytesOf = (event: object): Uint8Array => {
  const { text, receivedAt } = entryText(eventOfValue(event), {
    ...{ id: '019370a2-7c1e-8b3a-9f5e-2c8d4a6b1e0f', nowMs: Date.UTC(2026, 5, 30), trail: 'main' },
  });
  return Buffer.from(`${text.slice(0, receivedAt)}2026-06-30T00:00:00.000Z${text.slice(receivedAt + 24)}`);
};
const lineEvent = (source: string, line: string): Event => {
  const mapped = builtInSource(source)!.mapLine(line, 0, clock);
  if (mapped.is !== 'event') throw new Error('expected an event');
  return mapped.event;
};
const failed = 'Feb 12 14:10:21 h sshd[1]: Failed password for root from 192.0.2.7 port 22 ssh2';

describe('inputOf', () => {
  it('shows every entry as one of the product sealtrail', () => {
    const { views, partition, index, timeMs } = inputOf(
      bytesOf({
        action: 'a',
        category: 'account',
        context: { service: 's' },
        tenant: 'acme',
        time: '2026-01-31T00:00:00Z',
      }),
      7,
    );
    expect(views.map(({ logsource }) => logsource)).toEqual([
      { product: 'sealtrail', category: 'account', service: 's', isComplete: true },
    ]);
    expect((views[0]!.event as unknown as Entry).action).toBe('a');
    expect([partition, index, timeMs]).toEqual(['acme', 7, Date.UTC(2026, 0, 31)]);
  });

  it('shows an entry that was imported as one of its product too', () => {
    const { views } = inputOf(bytesOf(lineEvent('syslog', failed)), 0);
    expect(views.map(({ logsource }) => logsource)).toEqual([
      { product: 'sealtrail', category: 'authentication', service: 'sshd', isComplete: true },
      { product: 'linux', service: 'sshd', isComplete: true },
    ]);
    expect(views[1]!.event).toMatchObject({ user: 'root', src_ip: '192.0.2.7', auth_method: 'password' });
  });

  it.each([
    ['a source that is none', { source: 'nothing', original: 'x' }],
    ['an original that is none', { source: 'syslog', original: 5 }],
    ['a record of another product', { source: 'okta', original: { action: 'a.b' } }],
    ['a name out of a prototype', { source: '__proto__', original: {} }],
  ])('shows nothing further of an entry that only claims to be imported: %s', (_name, metadata) => {
    expect(inputOf(bytesOf({ action: 'a', metadata }), 0).views).toHaveLength(1);
  });

  it('lets rules find what they know by the names of the original', () => {
    const access = '192.0.2.7 - - [12/Feb/2026:14:10:22 +0000] "GET /admin?x=1 HTTP/1.1" 200 1 "-" "curl/8"';
    expect(
      found(
        [
          ['{product: linux, service: sshd}', '{user: root}'],
          ['{category: webserver}', "{cs-uri-query|contains: '/admin?x='}"],
          ['{category: webserver}', "{cs-uri-query|startswith: 'x=', sc-status: 200}"],
        ],
        [lineEvent('syslog', failed), lineEvent('access-log', access)],
      ),
    ).toEqual([
      [0, 0],
      [1, 1],
      [2, 1],
    ]);
  });

  it('lets rules that ask for a part of the source find only what has it', () => {
    const access = '192.0.2.7 - - [12/Feb/2026:14:10:22 +0000] "GET / HTTP/1.1" 200 1 "-" "sealtrail-test"';
    expect(
      found(
        [
          ['{product: sealtrail}', "['*sealtrail-test*']"],
          ['{product: sealtrail, category: account}', "['*sealtrail-test*']"],
          ['{category: account}', "['*sealtrail-test*']"],
          ['{category: webserver}', "['*sealtrail-test*']"],
          ['{product: sealtrail, service: shop}', "['*sealtrail-test*']"],
          ['{product: linux}', "['*sealtrail-test*']"],
        ],
        [
          { action: 'a', metadata: { note: 'sealtrail-test' } },
          { action: 'a', metadata: { note: 'sealtrail-test' }, category: 'account' },
          { action: 'a', metadata: { note: 'sealtrail-test' }, context: { service: 'shop' } },
          lineEvent('access-log', access),
        ],
      ),
    ).toEqual([
      [0, 0],
      [0, 1],
      [1, 1],
      [2, 1],
      [0, 2],
      [4, 2],
      [0, 3],
      [3, 3],
    ]);
  });
});

/** Which rules, by log source and selection, find which events. */
function found(
  rules: readonly (readonly [logsource: string, selection: string])[],
  events: readonly object[],
): (readonly [rule: number, event: number])[] {
  const loaded = loadRules(
    rules.map(([logsource, selection], i) => ({
      name: String(i),
      text: `title: t\nname: rule_${i}\nlogsource: ${logsource}\ndetection: {selection: ${selection}, condition: selection}\n`,
    })),
  );
  expect(loaded.faults).toEqual([]);
  const detector = new Detector(new CompiledRules(loaded), { latenessMs: 0 });
  const { matches } = detector.take(events.map((event, i) => inputOf(bytesOf(event), i)));
  return matches.map(({ rule, input }) => [loaded.rules.indexOf(rule), input.index]);
}
