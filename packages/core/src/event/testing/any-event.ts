import fc from 'fast-check';
import { actorTypes, categories, type Event, type JsonValue, outcomes, severities } from '../event.ts';
import { timeRange } from '../limits.ts';

const from = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });

/** Any well-formed text, of which many characters need escapes or lie beyond the first plane. */
export const anyText = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc
    .oneof(
      fc.string({ minLength, maxLength, unit: 'binary' }),
      fc.string({
        minLength,
        maxLength,
        unit: from(['"', '\\', '/', '\u0000', '\u2028', 'é', '\u{1f600}', 'a']),
      }),
      fc.string({ minLength, maxLength }),
    )
    .filter((text) => text.length >= minLength && text.length <= maxLength);

/** Numbers that an event may hold: any finite double that is no integer beyond 2^53 - 1. */
export const anyNumber: fc.Arbitrary<number> = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Number.isInteger(n)),
  from([0, -0, 1e-7, 5e-324, 0.1, 333333333.33333325]),
);

const anyKey = (minLength: number): fc.Arbitrary<string> =>
  fc
    .oneof(
      from(['a', 'b', 'B', '1', '10', '9', 'constructor', '\u20ac', '\u{1f600}', '\ufb33']),
      anyText(minLength, 12),
    )
    .filter((key) => key.length >= minLength && key !== '__proto__' && !key.includes('\\'));

/** Bounded JSON, as metadata and changes may hold it. */
export const anyJson: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small', withCrossShrink: true },
    fc.oneof(anyText(0, 20), anyNumber, fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(anyKey(0), tie('value'), { maxKeys: 5 }),
  ),
})).value;

/** RFC 3339 times in every form that an event may hold. */
export const anyTime: fc.Arbitrary<string> = fc.oneof(
  fc.integer({ min: timeRange.minMs, max: timeRange.maxMs }).map((ms) => new Date(ms).toISOString()),
  from([
    '2026-01-31t09:30:00z',
    '2026-01-31T09:30:00.123456789+05:30',
    '2024-02-29T23:59:59-23:59',
    '2026-12-31T00:00:00.1-00:00',
  ]),
);

const shortText = anyText(1, 24);

/** Any valid event, without the keys that are absent, in no particular order of keys. */
export function anyEvent(): fc.Arbitrary<Event> {
  return fc
    .record({
      action: from(['user.login', 'invoice.refund', 'a', 'A9_:/-.x.y']),
      actor: maybe(
        fc.record({
          email: maybe(anyText(3, 24)),
          id: maybe(shortText),
          name: maybe(shortText),
          onBehalfOf: maybe(shortText),
          sessionId: maybe(shortText),
          type: from(actorTypes),
        }),
      ),
      category: maybe(from(categories)),
      changes: maybe(
        fc.array(fc.record({ after: maybe(anyJson), before: maybe(anyJson), field: shortText }), {
          maxLength: 3,
        }),
      ),
      context: maybe(
        fc.record({
          environment: maybe(shortText),
          http: maybe(
            fc.record({
              durationMs: maybe(fc.double({ min: 0, max: 1e12, noNaN: true })),
              method: maybe(from(['GET', 'BASELINE-CONTROL'])),
              path: maybe(shortText),
              route: maybe(shortText),
              status: maybe(fc.integer({ min: 100, max: 599 })),
            }),
          ),
          requestId: maybe(shortText),
          service: maybe(shortText),
          spanId: maybe(shortText),
          traceId: maybe(shortText),
        }),
      ),
      id: maybe(
        fc.oneof(
          fc.uuid(),
          fc.uuid().map((id) => id.toUpperCase()),
        ),
      ),
      metadata: maybe(fc.dictionary(anyKey(1), anyJson, { maxKeys: 6 })),
      outcome: maybe(from(outcomes)),
      producer: maybe(fc.record({ id: shortText, seq: fc.maxSafeNat() })),
      reason: maybe(anyText(1, 60)),
      schemaVersion: maybe(fc.constant(1 as const)),
      severity: maybe(from(severities)),
      source: maybe(
        fc.record({
          ip: maybe(fc.oneof(fc.ipV4(), fc.ipV6())),
          port: maybe(fc.integer({ min: 0, max: 65535 })),
          userAgent: maybe(anyText(0, 24)),
        }),
      ),
      targets: maybe(
        fc.array(fc.record({ id: maybe(shortText), name: maybe(shortText), type: shortText }), {
          maxLength: 3,
        }),
      ),
      tenant: maybe(shortText),
      time: maybe(anyTime),
      trail: maybe(from(['main', 'a.b-c_9'])),
    })
    .map((event) => withoutUndefined(event) as Event);
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) =>
      member === undefined ? [] : [[key, withoutUndefined(member)]],
    ),
  );
}

/** How one JSON text may be spelled. Each choice takes the next number, over and over. */
export const anySpelling: fc.Arbitrary<readonly number[]> = fc.array(fc.nat(99), {
  minLength: 1,
  maxLength: 40,
});

/** The same JSON value, spelled in another way: order of keys, white space, escapes, forms of numbers. */
export function spell(value: JsonValue, choices: readonly number[]): string {
  let at = 0;
  const choose = (n: number): number => choices[at++ % choices.length]! % n;
  const space = (): string => ['', '', '', ' ', '\n', '\t\r'][choose(6)]!;
  const unit = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const string = (text: string): string => {
    if (choose(3) > 0) return JSON.stringify(text);
    return `"${text
      .split('')
      .map((char) =>
        choose(2) === 0 ? unit(char) : char === '/' ? '\\/' : JSON.stringify(char).slice(1, -1),
      )
      .join('')}"`;
  };
  const number = (n: number): string => {
    if (Object.is(n, -0)) return '-0.0';
    return choose(3) === 0 ? n.toExponential() : JSON.stringify(n);
  };
  const write = (json: JsonValue): string => {
    if (typeof json === 'string') return string(json);
    if (typeof json === 'number') return number(json);
    if (typeof json !== 'object' || json === null) return String(json);
    if (Array.isArray(json)) return `[${space()}${json.map(write).join(`${space()},${space()}`)}${space()}]`;
    const members = Object.entries(json).map(
      ([key, member]) => `${string(key)}${space()}:${space()}${write(member)}`,
    );
    for (let i = members.length - 1; i > 0; i--) {
      const j = choose(i + 1);
      [members[i], members[j]] = [members[j]!, members[i]!];
    }
    return `{${space()}${members.join(`${space()},`)}${space()}}`;
  };
  return write(value);
}
