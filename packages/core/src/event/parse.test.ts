import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SealtrailError } from '../errors.ts';
import { type Event, eventSchema, type JsonValue } from './event.ts';
import { eventLimits } from './limits.ts';
import { entryText, parseEvent } from './parse.ts';
import { anyEvent, anySpelling, spell } from './testing/any-event.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What an event is refused with. */
function refusalOf(bytes: Uint8Array | string): SealtrailError {
  try {
    parseEvent(typeof bytes === 'string' ? bytesOf(bytes) : bytes);
  } catch (error) {
    if (error instanceof SealtrailError) return error;
    throw error;
  }
  throw new Error('expected the event to be refused');
}

describe('parseEvent', () => {
  it('gives what was reported, however it was spelled', () => {
    fc.assert(
      fc.property(anyEvent(), anySpelling, (event, spelling) => {
        expect(parseEvent(bytesOf(spell(event as JsonValue, spelling)))).toEqual(event);
      }),
    );
  });

  it('takes the smallest event there is', () => {
    expect(parseEvent(bytesOf('{"action":"a"}'))).toEqual({ action: 'a' });
  });

  it.each([
    ['{"action":"a","metadata":{"x":NaN}}', 'malformed_json', ''],
    ['{"action":"a"} {}', 'malformed_json', undefined],
    ['{"action":"a",}', 'malformed_json', ''],
    ['\ufeff{"action":"a"}', 'malformed_json', undefined],
    ['"action"', 'invalid_event', undefined],
    ['{"action":"a","action":"b"}', 'duplicate_key', '/action'],
    ['{"action":"a","metadata":{"x":[{"k":1,"\\u006b":2}]}}', 'duplicate_key', '/metadata/x/0/k'],
    ['{"action":"a","__proto__":{"x":1}}', 'invalid_event', '/__proto__'],
    ['{"action":"a","metadata":{"__proto__":1}}', 'invalid_event', '/metadata/__proto__'],
    ['{"action":"a","metadata":{"\\u005f_proto__":1}}', 'invalid_event', '/metadata/__proto__'],
    ['{"action":"a","constructor":1}', 'invalid_event', '/constructor'],
    ['{"action":"a","reason":"\\ud800"}', 'invalid_event', '/reason'],
    ['{"action":"a","metadata":{"\\udc00":1}}', 'invalid_event', '/metadata'],
    ['{"action":"a","metadata":{"x":1e400}}', 'invalid_event', '/metadata/x'],
    ['{"action":"a","metadata":{"x":12345678901234567890}}', 'invalid_event', '/metadata/x'],
    ['{"action":"a","metadata":{"x":[1,1e-400]}}', 'invalid_event', '/metadata/x/1'],
    ['{"action":"a","metadata":{"x":12345678901234.567}}', 'invalid_event', '/metadata/x'],
    [
      '{"action":"a","changes":[{"field":"f","after":0.12345678901234567890}]}',
      'invalid_event',
      '/changes/0/after',
    ],
    ['{"action":"a","metadata":{"":1}}', 'invalid_event', '/metadata/'],
    ['{"action":"a","actor":null}', 'invalid_event', '/actor'],
    ['{"action":"a","actor":{"type":"robot"}}', 'invalid_event', '/actor/type'],
    ['{"action":"a","actor":{"type":"user","a/b":1}}', 'invalid_event', '/actor/a~1b'],
    ['{"action":"a","targets":[{"type":"x"},{"type":""}]}', 'invalid_event', '/targets/1/type'],
    ['{"action":"a","source":{"ip":"::g"}}', 'invalid_event', '/source/ip'],
    ['{"action":"a","source":{"port":1.5}}', 'invalid_event', '/source/port'],
    ['{"action":"a","context":{"http":{"status":99}}}', 'invalid_event', '/context/http/status'],
    ['{"action":"a","producer":{"id":"p","seq":-1}}', 'invalid_event', '/producer/seq'],
    ['{"action":"a","schemaVersion":2}', 'invalid_event', '/schemaVersion'],
    ['{"action":"a","receivedAt":"2026-01-31T09:30:00.000Z"}', 'invalid_event', '/receivedAt'],
    ['{"action":"a","id":"x"}', 'invalid_event', '/id'],
    ['{"action":"a","time":"2026-02-30T00:00:00Z"}', 'invalid_event', '/time'],
    ['{"action":"a","trail":"A"}', 'invalid_event', '/trail'],
    ['{}', 'invalid_event', '/action'],
  ])('refuses %s', (text, code, pointer) => {
    const { code: found, details } = refusalOf(text);
    expect([found, details[0]?.pointer]).toEqual([code, pointer]);
  });

  it.each([
    ['a lone surrogate', [0xed, 0xa0, 0x80]],
    ['a byte that begins nothing', [0xff]],
    ['an overlong form', [0xc0, 0xaf]],
    ['a sequence that is cut off', [0xe2, 0x82]],
    ['a code point beyond the last', [0xf4, 0x90, 0x80, 0x80]],
  ])('refuses %s in UTF-8', (_name, bytes) => {
    expect(
      refusalOf(new Uint8Array([...bytesOf('{"action":"a","reason":"'), ...bytes, ...bytesOf('"}')])).code,
    ).toBe('invalid_utf8');
  });

  it('lists every place that is wrong, in bounded number', () => {
    const { details } = refusalOf('{"action":"","id":"x","source":{"port":-1}}');
    expect(details.map(({ pointer }) => pointer)).toEqual(
      expect.arrayContaining(['/action', '/id', '/source/port']),
    );
    const many = JSON.stringify({
      action: 'a',
      targets: Array(eventLimits.targets).fill({ a: 1, b: 2, c: 3, type: '' }),
    });
    expect(refusalOf(many).details.length).toBeLessThanOrEqual(16 * 8);
  });

  it('bounds keys, nesting and bytes', () => {
    const metadata = (keys: number): string =>
      JSON.stringify({
        action: 'a',
        metadata: Object.fromEntries(Array.from({ length: keys }, (_, i) => [`k${i}`, 1])),
      });
    expect(parseEvent(bytesOf(metadata(eventLimits.keys - 2)))).toBeDefined();
    expect(refusalOf(metadata(eventLimits.keys - 1)).code).toBe('invalid_event');
    const nested = (depth: number): string =>
      `{"action":"a","metadata":{"x":${'['.repeat(depth)}${']'.repeat(depth)}}}`;
    expect(parseEvent(bytesOf(nested(eventLimits.depth - 2)))).toBeDefined();
    expect(refusalOf(nested(eventLimits.depth - 1)).code).toBe('invalid_event');
    expect(refusalOf(`{"action":"a"${' '.repeat(2 * eventLimits.entryBytes)}}`).code).toBe('entry_too_large');
  });

  it('takes nothing but what JSON.parse and the schema take, and never fails otherwise', () => {
    const anyChange = fc.record({
      at: fc.nat(),
      remove: fc.nat(4),
      insert: fc.oneof(
        fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', '\\ud800', '9'.repeat(20), 'null', '"a":1,'),
        fc.string(),
      ),
    });
    fc.assert(
      fc.property(
        anyEvent(),
        anySpelling,
        fc.array(anyChange, { minLength: 1, maxLength: 3 }),
        (event, spelling, changes) => {
          let text = spell(event as JsonValue, spelling);
          for (const { at, remove, insert } of changes) {
            const start = at % (text.length + 1);
            text = text.slice(0, start) + insert + text.slice(start + remove);
          }
          // A half of a pair that was cut in two has no UTF-8 form; the encoder replaces it.
          const bytes = bytesOf(text);
          let parsed: Event;
          try {
            parsed = parseEvent(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(SealtrailError);
            return;
          }
          const value = JSON.parse(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
          expect(eventSchema.safeParse(value).data).toEqual(parsed);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('never fails otherwise on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(refusalOf(new Uint8Array([0x7b, ...bytes]))).toBeInstanceOf(SealtrailError);
      }),
      { numRuns: 500 },
    );
  });

  it('never repeats a value in what it says', () => {
    const canary = 'Zq7Canary';
    const anyBroken = fc.oneof(
      fc
        .constantFrom(
          'id',
          'time',
          'trail',
          'category',
          'outcome',
          'severity',
          'schemaVersion',
          'producer',
          'source',
          'actor',
          'targets',
        )
        .map((name) => JSON.stringify({ action: 'a', [name]: canary })),
      fc
        .constantFrom('id', 'time', 'trail')
        .map((name) => JSON.stringify({ action: canary, [name]: `${canary} ` })),
      fc.nat(60).map((at) => {
        const text = JSON.stringify({ action: 'a', reason: canary, metadata: { x: canary, y: [canary] } });
        return `${text.slice(0, at)}${text.slice(at + 1)}`;
      }),
      fc
        .constantFrom('ip', 'port')
        .map((name) => JSON.stringify({ action: 'a', source: { [name]: canary } })),
      fc.constant(`{"action":"a","reason":"${canary}" "${canary}"}`),
      fc.constant(`{"action":"a","reason":${canary}}`),
    );
    fc.assert(
      fc.property(anyBroken, (text) => {
        try {
          parseEvent(bytesOf(text));
        } catch (error) {
          const { message, details, stack, cause } = error as SealtrailError;
          expect(JSON.stringify([message, details, stack, String(cause)])).not.toContain(canary);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('entryText', () => {
  it('keeps times in UTC with milliseconds, and ids in lower case', () => {
    const event = parseEvent(
      bytesOf(
        '{"action":"a","id":"019370A2-7C1E-7B3A-9F5E-2C8D4A6B1E0F","time":"2026-01-31t09:30:00.1239+01:00"}',
      ),
    );
    const { text } = entryText(event, { id: 'unused', nowMs: 0, trail: 'main' });
    expect(JSON.parse(text)).toMatchObject({
      id: '019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f',
      time: '2026-01-31T08:30:00.123Z',
    });
  });

  it('prefers what the event says over what the server would', () => {
    const event = parseEvent(bytesOf('{"action":"a","tenant":"acme","trail":"eu"}'));
    const { text } = entryText(event, { id: 'x', nowMs: 0, trail: 'main', tenant: 'globex' });
    expect(JSON.parse(text)).toMatchObject({
      tenant: 'acme',
      trail: 'eu',
      id: 'x',
      time: '1970-01-01T00:00:00.000Z',
    });
  });

  it('says where the receive time goes, whatever texts look like it', () => {
    const lookalike = '"receivedAt":"2026-01-31T09:30:00.000Z"';
    const event = parseEvent(
      bytesOf(
        JSON.stringify({
          action: 'a',
          metadata: { receivedAt: '2026-01-31T09:30:00.000Z' },
          reason: lookalike,
          source: { userAgent: lookalike },
          targets: [{ type: lookalike }],
        }),
      ),
    );
    const { text, receivedAt } = entryText(event, { id: 'x', nowMs: 0, trail: 'main' });
    const at = '2026-01-31T09:30:00.001Z';
    const filled = text.slice(0, receivedAt) + at + text.slice(receivedAt + at.length);
    expect(JSON.parse(filled)).toEqual({ ...JSON.parse(text), receivedAt: at });
  });
});
