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
      { product: 'sealtrail', category: 'account', service: 's' },
    ]);
    expect((views[0]!.event as unknown as Entry).action).toBe('a');
    expect([partition, index, timeMs]).toEqual(['acme', 7, Date.UTC(2026, 0, 31)]);
  });

  it('shows an entry that was imported as one of its product too', () => {
    const { views } = inputOf(bytesOf(lineEvent('syslog', failed)), 0);
    expect(views.map(({ logsource }) => logsource)).toEqual([
      { product: 'sealtrail', category: 'authentication', service: 'sshd' },
      { product: 'linux', service: 'sshd' },
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
    const rule = (id: string, logsource: string, selection: string): string => `
title: t
id: ${id}
logsource: ${logsource}
detection: {selection: ${selection}, condition: selection}
`;
    const loaded = loadRules([
      {
        name: 'a',
        text: rule('019370a2-7c1e-4b3a-9f5e-2c8d4a6b1e01', '{product: linux, service: sshd}', '{user: root}'),
      },
      {
        name: 'b',
        text: rule(
          '019370a2-7c1e-4b3a-9f5e-2c8d4a6b1e02',
          '{category: webserver}',
          "{cs-uri-query|contains: '/admin?x='}",
        ),
      },
      {
        name: 'c',
        text: rule(
          '019370a2-7c1e-4b3a-9f5e-2c8d4a6b1e03',
          '{category: webserver}',
          "{cs-uri-query|startswith: 'x=', sc-status: 200}",
        ),
      },
    ]);
    expect(loaded.faults).toEqual([]);
    const detector = new Detector(new CompiledRules(loaded), { latenessMs: 0 });
    const access = '192.0.2.7 - - [12/Feb/2026:14:10:22 +0000] "GET /admin?x=1 HTTP/1.1" 200 1 "-" "curl/8"';
    const { matches } = detector.take([
      inputOf(bytesOf(lineEvent('syslog', failed)), 0),
      inputOf(bytesOf(lineEvent('access-log', access)), 1),
    ]);
    expect(matches.map(({ rule: { key }, input }) => [key.at(-1), input.index])).toEqual([
      ['1', 0],
      ['2', 1],
      ['3', 1],
    ]);
  });
});
