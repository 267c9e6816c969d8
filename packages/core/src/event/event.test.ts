import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { eventId, eventSchema, type JsonValue, parseTime, trailName } from './event.ts';
import { timeRange } from './limits.ts';
import { anyEvent, anySpelling, spell } from './testing/any-event.ts';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly [key: string]: unknown;
}

/** Every object of a JSON Schema that names properties, with the path to it. */
function objectsOf(schema: unknown, path: string): (readonly [path: string, names: readonly string[]])[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties } = schema as Schema;
  const own = properties ? [[path, Object.keys(properties)] as const] : [];
  return [...own, ...Object.entries(schema).flatMap(([key, member]) => objectsOf(member, `${path}/${key}`))];
}

describe('eventSchema', () => {
  const objects = objectsOf(z.toJSONSchema(eventSchema, { io: 'input' }), '');

  it('is looked at down to its innermost objects', () => {
    expect(objects.flatMap(([, names]) => names)).toEqual(
      expect.arrayContaining(['action', 'onBehalfOf', 'durationMs', 'before', 'seq', 'userAgent']),
    );
  });

  it.each(objects)('declares the fields of %s in RFC 8785 order', (_path, names) => {
    expect(names).toEqual([...names].sort());
  });

  it('emits fields in that order, whatever order they came in', () => {
    fc.assert(
      fc.property(anyEvent(), anySpelling, (event, spelling) => {
        const parsed = eventSchema.parse(JSON.parse(spell(event as JsonValue, spelling)));
        const { actor, context, source } = parsed;
        const known = [
          parsed,
          actor,
          context,
          context?.http,
          source,
          parsed.producer,
          ...(parsed.targets ?? []),
        ];
        for (const object of known)
          if (object) expect(Object.keys(object)).toEqual(Object.keys(object).sort());
      }),
    );
  });

  it('names the field that no schema knows', () => {
    const { error } = eventSchema.safeParse(JSON.parse('{"action":"a","constructor":1,"toString":2}'));
    expect(error?.issues).toMatchObject([{ code: 'unrecognized_keys', keys: ['constructor', 'toString'] }]);
  });

  it.each(['10.0.0.1', '::1', '2001:db8::1', '::ffff:10.0.0.1'])('takes the address %s', (ip) => {
    expect(eventSchema.safeParse({ action: 'a', source: { ip } }).success).toBe(true);
  });

  it.each(['', '10.0.0', '010.0.0.1', '[::1]', 'fe80::1%eth0', 'localhost'])(
    'refuses the address %j',
    (ip) => {
      expect(eventSchema.safeParse({ action: 'a', source: { ip } }).success).toBe(false);
    },
  );

  it.each(['user.login', 'a', 'A:b/c-d_e.F', '9'])('takes the action %s', (action) => {
    expect(eventSchema.safeParse({ action }).success).toBe(true);
  });

  it.each(['', '.', 'user.', '.login', 'user..login', 'user login', 'café', 'a'.repeat(257), 'a\n'])(
    'refuses the action %j',
    (action) => {
      expect(eventSchema.safeParse({ action }).success).toBe(false);
    },
  );
});

describe('parseTime', () => {
  it.each([
    ['1970-01-01T00:00:00Z', 0],
    ['9999-12-31T23:59:59.999Z', timeRange.maxMs],
    ['2024-02-29T00:00:00z', Date.UTC(2024, 1, 29)],
    ['2000-02-29T00:00:00Z', Date.UTC(2000, 1, 29)],
    ['2026-01-31t09:30:00.123456789Z', Date.UTC(2026, 0, 31, 9, 30, 0, 123)],
    ['2026-01-31T09:30:00+05:30', Date.UTC(2026, 0, 31, 4)],
    ['2026-01-31T09:30:00-00:00', Date.UTC(2026, 0, 31, 9, 30)],
  ])('reads %s', (text, ms) => {
    expect(parseTime(text)).toBe(ms);
  });

  it.each([
    '2026-02-30T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T24:00:00.000Z',
    '2026-01-31T09:60:00Z',
    '2016-12-31T23:59:60Z',
    '2026-01-31T09:30:00+24:00',
    '2026-01-31T09:30:00+00:60',
    '2026-01-31T09:30:00',
    '2026-01-31T09:30Z',
    '2026-01-31 09:30:00Z',
    '2026-01-31',
    '2026-01-31T09:30:00.Z',
    '2026-01-31T09:30:00.0123456789Z',
    '2026-01-31T09:30:00Z ',
    '2026-01-31T09:30:00Z\n',
    '10000-01-01T00:00:00Z',
    '+010000-01-01T00:00:00Z',
    '1969-12-31T23:59:59.999Z',
    '1970-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    '٢٠٢٦-01-31T09:30:00Z',
    'now',
    '',
  ])('refuses %j', (text) => {
    expect(parseTime(text)).toBeUndefined();
  });

  it('reads back every time it stands for', () => {
    fc.assert(
      fc.property(fc.integer({ min: timeRange.minMs, max: timeRange.maxMs }), (ms) => {
        expect(parseTime(new Date(ms).toISOString())).toBe(ms);
      }),
    );
  });
});

describe('eventId', () => {
  it.each(['019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f', '019370A2-7C1E-7B3A-9F5E-2C8D4A6B1E0F'])(
    'takes %s',
    (id) => {
      expect(eventId.safeParse(id).success).toBe(true);
    },
  );

  it.each([
    '',
    'evt_1',
    '019370a27c1e7b3a9f5e2c8d4a6b1e0f',
    '{019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f}',
    '019370a2-7c1e-9b3a-9f5e-2c8d4a6b1e0f',
    '019370a2-7c1e-7b3a-7f5e-2c8d4a6b1e0f',
    '00000000-0000-0000-0000-000000000000',
    '019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f\n',
  ])('refuses %j', (id) => {
    expect(eventId.safeParse(id).success).toBe(false);
  });
});

describe('trailName', () => {
  it.each(['main', 'a', '0', 'eu-west_1.prod', 'a'.repeat(64)])('takes %s', (name) => {
    expect(trailName.safeParse(name).success).toBe(true);
  });

  it.each([
    '',
    'Main',
    '.',
    '..',
    'a..b',
    '-a',
    'a-',
    'a/b',
    'a b',
    'é',
    'a'.repeat(65),
    'main\n',
    '../main',
  ])('refuses %j', (name) => {
    expect(trailName.safeParse(name).success).toBe(false);
  });
});
