import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical.ts';
import { type Event, entrySchema, eventSchema, type JsonValue } from './event.ts';
import { entryText, parseEvent } from './parse.ts';
import { createRedactor, type RedactionRules } from './redact.ts';
import { sensitiveKeys } from './secret-names.ts';
import { anyEvent } from './testing/any-event.ts';

const defaults = { id: '019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f', nowMs: 0, trail: 'main' };
const card = '4111111111111111';
const apiKey = `AKIA${'Q'.repeat(16)}`;

const textOf = (event: Event): string => entryText(event, defaults).text;

const redact = (event: Event, rules?: RedactionRules): Event => createRedactor(rules)(event, textOf(event));

const metadataOf = (metadata: Readonly<Record<string, JsonValue>>, rules?: RedactionRules): unknown =>
  redact({ action: 'a', metadata }, rules).metadata;

describe('createRedactor', () => {
  it('gives back the event itself when there is nothing to look for', () => {
    const event: Event = { action: 'user.login', metadata: { plan: 'gold', amount: 12 } };
    expect(redact(event)).toBe(event);
    expect(redact(event, { paths: ['actor.email', 'metadata.card.number', 'targets.*.name'] })).toBe(event);
  });

  it('looks into every text that is content', () => {
    const event: Event = {
      action: 'a',
      actor: { type: 'user', id: apiKey, name: apiKey, email: apiKey, sessionId: apiKey, onBehalfOf: apiKey },
      targets: [{ type: 'x', id: apiKey, name: apiKey }],
      source: { userAgent: apiKey },
      context: { service: apiKey, requestId: apiKey, http: { path: `/?key=${apiKey}`, route: apiKey } },
      changes: [{ field: 'x', before: { y: [apiKey] }, after: apiKey }],
      metadata: { a: apiKey, b: [{ c: apiKey }] },
      reason: apiKey,
    };
    expect(textOf(redact(event))).not.toContain(apiKey);
  });

  it('never changes to whom an entry belongs', () => {
    const event: Event = { action: 'a', tenant: card, trail: 'main', reason: card };
    expect(redact(event, { paths: ['tenant'] })).toMatchObject({
      tenant: card,
      reason: '[redacted:card_number]',
    });
  });

  it('finds what escapes hide', () => {
    const escaped = [...apiKey]
      .map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('');
    const key = '\\u0070assword';
    const event = parseEvent(
      new TextEncoder().encode(`{"action":"a","reason":"${escaped}","metadata":{"${key}":"hunter2"}}`),
    );
    expect(redact(event)).toEqual({
      action: 'a',
      reason: '[redacted:access_key]',
      metadata: { password: '[redacted:key]' },
    });
  });

  it('finds card numbers that were sent as numbers', () => {
    expect(metadataOf({ card: Number(card), order: 4111111111111112 })).toEqual({
      card: '[redacted:card_number]',
      order: 4111111111111112,
    });
  });

  describe('by key', () => {
    it.each(sensitiveKeys)('removes the value of %s in any case, and at any depth', (key) => {
      expect(metadataOf({ x: [{ [key.toUpperCase()]: { any: 'value' } }] })).toEqual({
        x: [{ [key.toUpperCase()]: '[redacted:key]' }],
      });
    });

    it('removes before and after of a changed field, but not that there was nothing', () => {
      const changes = [{ field: 'Password', before: null, after: 'hunter2' }];
      expect(redact({ action: 'a', changes }).changes).toEqual([
        { field: 'Password', before: null, after: '[redacted:key]' },
      ]);
    });

    it.each([
      'user.password',
      'userPassword',
      'USER_PASSWORD',
      'users[0].password',
      'settings["api-key"]',
      '/users/7/client_secret',
      'password2',
    ])('knows what %s is, as a changed field and as a key', (name) => {
      const event: Event = {
        action: 'a',
        changes: [
          { field: name, before: 'hunter2', after: ['x'] },
          { field: 'settings', before: { [name]: 'hunter2' }, after: { plan: 'gold' } },
        ],
        metadata: { [name]: 'hunter2', list: [{ [name]: 5 }] },
      };
      const mark = '[redacted:key]';
      expect(redact(event)).toEqual({
        action: 'a',
        changes: [
          { field: name, before: mark, after: mark },
          { field: 'settings', before: { [name]: mark }, after: { plan: 'gold' } },
        ],
        metadata: { [name]: mark, list: [{ [name]: mark }] },
      });
    });

    it('keeps what says only whether there is a secret', () => {
      const event: Event = {
        action: 'a',
        changes: [{ field: 'mfa.otp', before: false, after: true }],
        metadata: { hasPassword: true, token: null },
      };
      expect(redact(event)).toEqual(event);
    });

    it('takes names literally, whatever characters they hold', () => {
      const names = ['a.b', 'x"y', 'c\\d', '(', 'ключ', 'e/f'];
      const metadata = Object.fromEntries(names.map((name) => [name.toUpperCase(), 'secret']));
      expect(Object.values(metadataOf(metadata, { keys: names }) as object)).toEqual(
        names.map(() => '[redacted:key]'),
      );
      expect(metadataOf({ axb: 'kept' }, { keys: ['a.b'] })).toEqual({ axb: 'kept' });
    });

    it('leaves members that the schema names alone', () => {
      const event: Event = { action: 'a', reason: 'x', metadata: { token: 1 } };
      expect(redact(event, { keys: ['reason', 'action', 'metadata'] })).toEqual(event);
    });

    it('looks for no key when none is asked for', () => {
      expect(metadataOf({ password: 'hunter2' }, { keys: [] })).toEqual({ password: 'hunter2' });
    });
  });

  describe('by the name of a parameter', () => {
    it('removes what is in addresses, wherever they stand', () => {
      const url = 'https://a.example/reset?token=hunter2&lang=de';
      const event: Event = {
        action: 'a',
        changes: [{ field: url, before: url, after: [url] }],
        context: { http: { method: 'GET', path: '/reset?user[password]=hunter2', route: '/reset' } },
        metadata: { url, nested: [{ query: 'password=hunter2' }], [`GET ${url}`]: 1 },
        reason: `Refused:\ntoken=hunter2`,
        source: { userAgent: 'bot/1 (+https://a.example/?api_key=hunter2)' },
      };
      const redacted = redact(event);
      expect(textOf(redacted)).not.toContain('hunter2');
      expect(redacted.metadata?.['url']).toBe('https://a.example/reset?token=[redacted:key]&lang=de');
      expect(redacted.context?.http?.path).toBe('/reset?user[password]=[redacted:key]');
    });

    it('goes by the names that are asked for', () => {
      const reason = '?token=a&coupon=b';
      expect(redact({ action: 'a', reason }, { keys: ['coupon'] }).reason).toBe(
        '?token=a&coupon=[redacted:key]',
      );
      expect(redact({ action: 'a', reason }, { keys: [] }).reason).toBe(reason);
    });

    it('leaves nothing of a value that is secret by its form too', () => {
      const reason = `x?authorization=Bearer%20${'a'.repeat(20)}&b`;
      expect(redact({ action: 'a', reason }).reason).not.toContain('aaa');
    });
  });

  it('leaves the directory that somebody worked in, and no password that has its name', () => {
    expect(
      metadataOf({
        PWD: '/home/ada/my project',
        original: 'ada : TTY=pts/0 ; PWD=/home/ada ; USER=root ; COMMAND=/bin/ls',
        pwd: 'hunter2',
        adminPwd: '/x',
        url: 'https://example.com/?pwd=hunter2&b',
      }),
    ).toEqual({
      PWD: '/home/ada/my project',
      original: 'ada : TTY=pts/0 ; PWD=/home/ada ; USER=root ; COMMAND=/bin/ls',
      pwd: '[redacted:key]',
      adminPwd: '[redacted:key]',
      url: 'https://example.com/?pwd=[redacted:key]&b',
    });
  });

  it('leaves the id of an AWS access key where ids of them belong, and there alone', () => {
    const key = { accessKeyId: apiKey, secretAccessKey: 'abc', note: apiKey };
    expect(metadataOf({ userIdentity: key, aws_access_key_id: `${apiKey} x` })).toEqual({
      userIdentity: {
        accessKeyId: apiKey,
        secretAccessKey: '[redacted:key]',
        note: '[redacted:access_key]',
      },
      aws_access_key_id: '[redacted:access_key] x',
    });
  });

  describe('in keys', () => {
    it('leaves none that is a secret by its form or holds one, and keeps the members', () => {
      const other = `AKIA${'X'.repeat(16)}`;
      const metadata = { [apiKey]: 1, [other]: 2, [card]: { 'GET /?token=a': 3, 'ab://c:d@': 4 }, plain: 5 };
      expect(metadataOf(metadata)).toEqual({
        '[redacted:text]': 1,
        '[redacted:text] 2': 2,
        '[redacted:text] 3': { '[redacted:text]': 3, '[redacted:text] 2': 4 },
        plain: 5,
      });
    });

    it('loses none that looks like a mark', () => {
      expect(metadataOf({ [apiKey]: 1, '[redacted:text]': 2, '[redacted:text] 2': 3 })).toEqual({
        '[redacted:text]': 1,
        '[redacted:text] 2': 2,
        '[redacted:text] 2 2': 3,
      });
    });
  });

  describe('by pattern', () => {
    it('looks only for those that are asked for', () => {
      expect(metadataOf({ a: apiKey, b: card }, { patterns: ['card_number'] })).toEqual({
        a: apiKey,
        b: '[redacted:card_number]',
      });
      expect(metadataOf({ a: apiKey }, { patterns: [] })).toEqual({ a: apiKey });
    });

    it('removes a text as a whole where the marks would not fit the field', () => {
      const name = 'ab://c:d@ '.repeat(25);
      expect(redact({ action: 'a', actor: { type: 'user', name } }).actor?.name).toBe('[redacted:text]');
    });
  });

  describe('by path', () => {
    const event: Event = {
      action: 'user.update',
      actor: { type: 'user', id: 'u_1', email: 'ann@example.com', name: 'Ann' },
      category: 'account',
      changes: [{ field: 'phone', before: { home: '1', work: '2' }, after: '3' }],
      context: { http: { method: 'GET', status: 200 } },
      id: defaults.id,
      metadata: { a: { b: 1, c: [{ b: 2 }, { d: 3 }] }, list: ['x', 'y'], none: null },
      source: { ip: '10.0.0.1', userAgent: 'x' },
      targets: [
        { type: 'user', id: 'u_2', name: 'Bob' },
        { type: 'user', id: 'u_3' },
      ],
      time: '2026-01-31T09:30:00.000Z',
    };
    const byPath = (...paths: string[]): Event => redact(event, { keys: [], patterns: [], paths });
    const mark = '[redacted:path]';

    it('marks text', () => {
      expect(byPath('actor.email').actor).toEqual({ ...event.actor, email: mark });
      expect(byPath('metadata.a.b').metadata).toMatchObject({ a: { b: mark, c: [{ b: 2 }, { d: 3 }] } });
    });

    it('passes through arrays', () => {
      expect(byPath('targets.name').targets).toEqual([
        { type: 'user', id: 'u_2', name: mark },
        event.targets?.[1],
      ]);
      expect(byPath('metadata.a.c.b').metadata).toMatchObject({ a: { b: 1, c: [{ b: mark }, { d: 3 }] } });
      expect(byPath('changes.before.home').changes).toEqual([
        { field: 'phone', before: { home: mark, work: '2' }, after: '3' },
      ]);
    });

    it('takes * for any one step, elements of an array included', () => {
      expect(byPath('targets.*.id').targets?.map(({ id }) => id)).toEqual([mark, mark]);
      expect(byPath('metadata.*.b').metadata).toMatchObject({ a: { b: mark } });
      expect(byPath('metadata.list.*').metadata).toMatchObject({ list: [mark, mark] });
      expect(byPath('actor.*').actor).toEqual({ type: 'user', id: mark, email: mark, name: mark });
      expect(byPath('metadata.*').metadata).toEqual({ a: mark, list: mark, none: null });
    });

    it('removes a whole value of metadata', () => {
      expect(byPath('metadata.a').metadata).toMatchObject({ a: mark });
    });

    it('leaves out what cannot hold a mark', () => {
      expect(byPath('source.ip').source).toEqual({ userAgent: 'x' });
      expect(byPath('context.http.status').context).toEqual({ http: { method: 'GET' } });
      expect(byPath('category', 'actor', 'targets.*', 'metadata')).toEqual({
        action: event.action,
        changes: event.changes,
        context: event.context,
        id: event.id,
        source: event.source,
        targets: [],
        time: event.time,
      });
    });

    it('never alters what an entry cannot be without', () => {
      expect(byPath('id', 'time', 'action', 'actor.type', 'changes.field', 'targets.type')).toEqual(event);
    });
  });

  const anyRules: fc.Arbitrary<RedactionRules> = fc.record({
    paths: fc.array(
      fc
        .array(
          fc.constantFrom(
            ...[
              '*',
              'action',
              'actor',
              'after',
              'before',
              'changes',
              'context',
              'http',
              'id',
              'ip',
              'metadata',
            ],
            ...[
              'name',
              'producer',
              'seq',
              'severity',
              'source',
              'status',
              'targets',
              'time',
              'trail',
              'type',
              'a',
            ],
          ),
          { minLength: 1, maxLength: 4 },
        )
        .map((steps) => steps.join('.')),
      { maxLength: 4 },
    ),
    keys: fc.subarray(['a', 'b', 'id', 'time', 'after', 'field', 'type', 'password']),
  });

  /** An event with secrets in it. */
  const anySecretEvent = fc
    .tuple(
      anyEvent(),
      fc.constantFrom(apiKey, card, 'ab://c:d@', `Bearer ${'x'.repeat(20)}`, '?token=x&pin=y', 'plain'),
      fc.nat(40),
    )
    .map(([event, secret, times]) =>
      eventSchema.parse({
        ...event,
        reason: `${secret} `.repeat(times + 1),
        metadata: { ...event.metadata, secret: [secret, { [secret]: secret, [`${secret} `]: 1 }] },
        actor: { ...event.actor, type: 'user', name: `${secret} `.repeat(times + 1).slice(0, 256) },
      }),
    );

  it('keeps any entry valid, and what identifies it, whatever the rules say', () => {
    fc.assert(
      fc.property(anySecretEvent, anyRules, (event, rules) => {
        const redacted = redact(event, rules);
        const entry = { ...JSON.parse(textOf(redacted)), receivedAt: '2026-01-31T09:30:00.000Z' };
        expect(entrySchema.safeParse(entry).error).toBeUndefined();
        expect(canonicalJson(JSON.parse(textOf(redacted)))).toBe(textOf(redacted));
        const { id, time, trail, action, producer, schemaVersion } = event;
        expect(redacted).toMatchObject(
          JSON.parse(JSON.stringify({ id, time, trail, action, producer, schemaVersion })),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('finds nothing in what it has redacted', () => {
    fc.assert(
      fc.property(anySecretEvent, anyRules, (event, rules) => {
        const once = redact(event, rules);
        expect(textOf(redact(once, rules))).toBe(textOf(once));
      }),
    );
  });

  it('leaves the event it was given as it was', () => {
    fc.assert(
      fc.property(anySecretEvent, anyRules, (event, rules) => {
        const before = textOf(event);
        redact(event, rules);
        expect(textOf(event)).toBe(before);
      }),
    );
  });
});
