import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SealtrailError } from '../errors.ts';
import type { JsonValue } from './event.ts';
import { entryText, eventOfValue, parseEvent } from './parse.ts';
import { anyEvent, anyJson } from './testing/any-event.ts';

const defaults = { id: '019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f', nowMs: 0, trail: 'main' };

/** The entry that something becomes, or the code and places it is refused with. */
function outcomeOf(read: () => ReturnType<typeof parseEvent>): unknown {
  try {
    return entryText(read(), defaults).text;
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    return [error.code, error.details.map(({ pointer }) => pointer)];
  }
}

const ofText = (value: unknown): unknown =>
  outcomeOf(() => parseEvent(new TextEncoder().encode(JSON.stringify(value))));
const ofValue = (value: unknown): unknown => outcomeOf(() => eventOfValue(value));

/** What JSON writes as something else, or leaves out, or what an event may not hold. */
const oddities: readonly unknown[] = [
  undefined,
  new Date(0),
  new Map([['a', 1]]),
  Object.create({ inherited: 1 }),
  Object.assign(Object.create(null), { a: 1 }),
  Object.assign([1, 2], { extra: 3 }),
  [undefined, () => 1, Symbol('s')],
  new Array(2),
  () => 1,
  Symbol('s'),
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  -0,
  new Number(5),
  new String('text'),
  '\ud800',
  { '\ud800': 1 },
  { 'a\\b': 1 },
  { ['__proto__']: 1 },
  JSON.parse('{"__proto__":{"a":1}}'),
  { ['k'.repeat(129)]: 1 },
  { toJSON: () => 'other' },
  { toJSON: 1 },
  {
    get a() {
      return 1;
    },
  },
  JSON.parse(`${'['.repeat(20)}${']'.repeat(20)}`),
  Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`k${i}`, i])),
];

describe('eventOfValue', () => {
  it('says the same as the JSON text of the value does', () => {
    fc.assert(
      fc.property(
        anyEvent(),
        anyJson,
        fc.constantFrom('metadata', 'actor', 'id', 'extra'),
        (event, json, key) => {
          expect(ofValue(event)).toEqual(ofText(event));
          const changed = { ...event, [key]: json };
          expect(ofValue(changed)).toEqual(ofText(changed));
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each(oddities.map((oddity, i) => [i, oddity]))('says the same also of oddity %i', (_i, oddity) => {
    for (const event of [
      { action: 'a', metadata: { odd: oddity, even: 1 } },
      { action: 'a', metadata: { list: [oddity] } },
      { action: 'a', metadata: oddity },
      { action: 'a', changes: [{ field: 'f', before: oddity }] },
      { action: 'a', actor: oddity },
      { action: 'a', reason: oddity },
      { action: 'a', unknown: oddity },
      { action: 'a', actor: { type: 'user', id: oddity } },
    ])
      expect(ofValue(event)).toEqual(ofText(event));
  });

  it('refuses what has no JSON text', () => {
    const cycle: Record<string, unknown> = { action: 'a' };
    cycle['metadata'] = { cycle };
    const throwing = {
      toJSON: () => {
        throw new Error('no');
      },
    };
    for (const value of [undefined, () => 1, 5n, cycle, { action: 'a', metadata: { x: 5n } }, throwing])
      expect(ofValue(value)).toEqual(['invalid_event', expect.anything()]);
  });

  it('leaves the value as it was', () => {
    fc.assert(
      fc.property(anyEvent(), (event) => {
        const before = structuredClone(event) as JsonValue;
        eventOfValue(Object.freeze(event));
        expect(event).toEqual(before);
      }),
    );
  });
});
