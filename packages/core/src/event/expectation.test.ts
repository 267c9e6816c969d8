import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SealtrailError } from '../errors.ts';
import { eventSchema, type JsonValue } from './event.ts';
import { expectation } from './expectation.ts';
import { parseEvent } from './parse.ts';
import { anyEvent, anyJson } from './testing/any-event.ts';

/** What is said about an event that is refused; nothing about one that is not. */
function messagesOf(event: JsonValue): readonly string[] {
  try {
    parseEvent(new TextEncoder().encode(JSON.stringify(event)));
    return [];
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    return error.details.map(({ message }) => message);
  }
}

const anyChangedEvent = fc
  .tuple(anyEvent(), fc.constantFrom(...Object.keys(eventSchema.shape), 'further'), anyJson)
  .map(([event, name, value]) => ({ ...(event as Record<string, JsonValue>), [name]: value }));

/** Our messages say what was expected; those that the schema library brings along say what is invalid. */
const ours = /^(?:in the key: )?(?:expected |unknown field; |the key |a key )/;

describe('what is said about an event', () => {
  it.each<[JsonValue]>([
    [{}],
    [{ action: '' }],
    [{ action: 'a b' }],
    [{ action: 5 }],
    [{ action: 'a', metadata: { '': 1 } }],
    [{ action: 'a', metadata: [] }],
    [{ action: 'a', metadata: { ['k'.repeat(200)]: 1 } }],
    [{ action: 'a', actor: null }],
    [{ action: 'a', actor: { type: 'robot', id: '', name: 'x'.repeat(257), email: 'a', further: true } }],
    [{ action: 'a', targets: {} }],
    [{ action: 'a', targets: Array<JsonValue>(65).fill({ type: 'x' }) }],
    [{ action: 'a', targets: [{ id: 1 }, 'x'] }],
    [{ action: 'a', changes: [{ field: 1 }] }],
    [{ action: 'a', source: { ip: 5, port: -1, userAgent: 'x'.repeat(3000) } }],
    [{ action: 'a', source: { ip: 'x', port: 70_000 } }],
    [{ action: 'a', source: { port: 1.5 } }],
    [{ action: 'a', context: { http: { durationMs: -1, status: 'x', method: '' } } }],
    [{ action: 'a', context: { http: { durationMs: 1e13, status: 600 } } }],
    [{ action: 'a', schemaVersion: 2, outcome: 'perhaps', severity: 3, category: null }],
    [{ action: 'a', producer: { id: 'p', seq: false } }],
    [{ action: 'a', time: 5, id: 5, trail: 5, tenant: 5, reason: 5 }],
    [{ action: 'a', time: 'x', id: 'x', trail: '.', tenant: '', reason: '' }],
    [{ action: 'a', trail: 'a..b', time: 'x'.repeat(50) }],
  ])('%j says what was expected', (event) => {
    const messages = messagesOf(event);
    expect(messages).not.toEqual([]);
    for (const message of messages) expect(message).toMatch(ours);
  });

  it('says what was expected, whatever is wrong with it', () => {
    fc.assert(
      fc.property(anyChangedEvent, (event) => {
        for (const message of messagesOf(event)) expect(message).toMatch(ours);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('expectation', () => {
  const said = (schema: z.ZodType, value: unknown): readonly string[] =>
    (schema.safeParse(value, { error: expectation }).error?.issues ?? []).map(({ message }) => message);

  it.each<[z.ZodType, unknown, string]>([
    [z.string(), undefined, 'expected text, found nothing'],
    [z.string(), null, 'expected text, found null'],
    [z.string(), 5n, 'expected text, found something else'],
    [z.int(), 1.5, 'expected an integer, found a fraction'],
    [z.number(), '1', 'expected a number, found text'],
    [z.boolean(), [], 'expected a boolean, found an array'],
    [z.record(z.string(), z.string()), 1, 'expected an object, found a number'],
    [z.date(), {}, 'expected date, found an object'],
    [z.string().max(3), 'abcd', 'expected text of at most 3 characters'],
    [z.array(z.string()).min(1), [], 'expected at least 1 element'],
    [z.number().gt(5), 5, 'expected a number of more than 5'],
    [z.number().lt(5), 5, 'expected a number of less than 5'],
    [z.enum(['a', 'b']), 'c', 'expected one of a, b'],
    [z.literal(1), 2, 'expected 1'],
    [
      z.record(z.string().min(1), z.unknown()),
      { '': 1 },
      'in the key: expected text of at least 1 character',
    ],
    [z.number().multipleOf(2), 3, 'expected another value; see /openapi.json'],
  ])('of a part of a schema, number %#, holds no value', (schema, value, message) => {
    expect(said(schema, value)).toEqual([message]);
  });
});
