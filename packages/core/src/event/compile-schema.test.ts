import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { compileSchema, NOT_SURE } from './compile-schema.ts';
import { eventSchema } from './event.ts';
import { anyEvent, anyJson } from './testing/any-event.ts';

/** What a schema's own parser gives, in the terms of a compiled one. */
const asked = (schema: z.ZodType, value: unknown): unknown => {
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : NOT_SURE;
};

/** What JSON makes of a value: members that are undefined are left out. */
const asJson = (value: unknown): unknown =>
  value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);

/** Members of all objects in a JSON value, as places where it can be changed. */
function placesIn(value: unknown, place: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [place];
  return [place, ...Object.entries(value).flatMap(([key, member]) => placesIn(member, [...place, key]))];
}

function withValueAt(value: unknown, [key, ...rest]: readonly string[], replacement: unknown): unknown {
  if (key === undefined) return replacement;
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) };
  const member = (copy as Record<string, unknown>)[key];
  Object.defineProperty(copy, key, {
    value: withValueAt(member, rest, replacement),
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return copy;
}

/** An event of which one place holds something else, or has one more member. */
const anyChangedEvent = anyEvent().chain((event) => {
  const places = placesIn(event);
  const other = fc.oneof(
    anyJson,
    fc.constantFrom<unknown>(
      undefined,
      '',
      'x'.repeat(257),
      'x'.repeat(4097),
      -1,
      0.5,
      1e13,
      600,
      '::1',
      '1.2.3.4',
    ),
  );
  return fc
    .tuple(fc.constantFrom(...places), fc.option(fc.constantFrom('id', 'extra', 'type', 'toString')), other)
    .map(([place, key, value]) => withValueAt(event, key === null ? place : [...place, key], value));
});

describe('compileSchema', () => {
  const read = compileSchema(eventSchema);

  it('gives for every valid event what the schema gives, with members in the same order', () => {
    fc.assert(
      fc.property(anyEvent(), (event) => {
        expect(JSON.stringify(read(event))).toBe(JSON.stringify(asked(eventSchema, event)));
        expect(read(event)).toEqual(asked(eventSchema, event));
      }),
      { numRuns: 300 },
    );
  });

  it('takes nothing that the schema refuses', () => {
    fc.assert(
      fc.property(anyChangedEvent, (value) => {
        const found = read(value);
        if (found !== NOT_SURE)
          expect(JSON.stringify(found)).toBe(JSON.stringify(asked(eventSchema, asJson(value))));
      }),
      { numRuns: 2000 },
    );
  });

  it.each<[string, z.ZodType, readonly unknown[]]>([
    ['text', z.string().min(2).max(3).regex(/^a/), ['a', 'ab', 'abcd', 'bb', 5, null]],
    ['text of a format', z.email(), ['a@example.test', 'a']],
    ['text that is changed', z.string().trim(), [' a ', 'a', 1]],
    ['text in other words', z.string().transform((text) => text.length), ['abc', 3]],
    ['number', z.number().gt(1).lt(3), [1, 2, 3, Number.NaN, Number.POSITIVE_INFINITY, '2']],
    ['number within', z.number().min(1).max(3), [0, 1, 3, 4]],
    ['whole number', z.int().min(0), [-1, 0, 1.5, 2 ** 53, 2 ** 53 - 1]],
    ['number of another format', z.int32(), [2 ** 31, 5, 0.5]],
    ['steps', z.number().multipleOf(5), [5, 6]],
    ['names', z.enum(['a', 'b']), ['a', 'c', 0]],
    ['own checks', z.string().refine((text) => text === 'a'), ['a', 'b']],
    ['array', z.array(z.string()).min(1).max(2), [[], ['a'], ['a', 'b', 'c'], [1], {}, 'a']],
    ['loose object', z.object({ a: z.string() }), [{ a: 'x', b: 1 }, { a: 1 }]],
    [
      'checked object',
      z.strictObject({ a: z.string() }).refine(({ a }) => a === 'x'),
      [{ a: 'x' }, { a: 'y' }],
    ],
    ['default', z.strictObject({ a: z.string().default('d') }), [{}, { a: 'x' }]],
    [
      'strict object',
      z.strictObject({ a: z.string(), b: z.null().optional() }),
      [
        { a: 'x' },
        { b: null },
        { a: 'x', b: null },
        { a: 'x', b: undefined },
        { a: 'x', c: 1 },
        [],
        null,
        'a',
      ],
    ],
  ])('never says otherwise than the schema: %s', (_name, schema, values) => {
    const compiled = compileSchema(schema);
    for (const value of values) {
      const found = compiled(value);
      if (found !== NOT_SURE)
        expect(JSON.stringify(found)).toBe(JSON.stringify(asked(schema, asJson(value))));
    }
  });
});
