import fc from 'fast-check';
import { actorTypes, categories, type Entry, outcomes, severities } from '../../event/event.ts';

/** A few values a field, so that filters drawn from the same vocabulary find something, and some that are odd. */
export const vocabulary = {
  action: ['user.login', 'user.logout', 'user', 'invoice.refund', 'invoice.refund.line', 'User.login'],
  id: [
    'u_1',
    'u_2',
    'u_12',
    'inv-7',
    'ann@example.com',
    'a*b',
    'x\u0000sy',
    'u_\u{10ffff}1',
    'O"R\\',
    'é'.repeat(90),
    'z'.repeat(121),
  ],
  long: [
    'z'.repeat(120),
    'z'.repeat(122),
    `${'z'.repeat(300)}1`,
    `${'z'.repeat(300)}2`,
    '東京タワー'.repeat(40),
    `a${'𝒳'.repeat(70)}`,
  ],
  text: [
    'Wrong password',
    'password wrong',
    'wrong PASSWORD again',
    'Mozilla/5.0 (X11; Linux) Chrome/120.0',
    'Mozilla/5.0 (Mac) Safari/17 Mozilla',
    'Łódź',
    '東京',
    '',
  ],
  ip: ['10.0.0.1', '10.0.0.2', '10.1.0.1', '::ffff:10.0.0.1', '2001:db8::1', '2001:DB8:0::1', '::'],
  number: [0, 1, 2, 2.5, 200, 401, 500, 1e21, -3],
  metadataText: [
    'gold',
    '5',
    '0x5',
    '1e0',
    ' 1',
    'true',
    'Wrong password',
    'a..b',
    'x\u0000sy',
    'y\u0000sgold',
    '',
  ],
  metadataKey: ['a', 'b', 'a.b', 'plan', 'x', 'x\u0000sy', 'k v', '__proto__'],
  tenant: ['acme', 'globex', 'initech'],
} as const;

const from = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const v = vocabulary;
const idValue = fc.oneof({ weight: 9, arbitrary: from(v.id) }, { weight: 1, arbitrary: from(v.long) });
const textValue = fc.oneof({ weight: 9, arbitrary: from(v.text) }, { weight: 1, arbitrary: from(v.long) });

const metadataValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(from(v.metadataText), from(v.number), from(v.long), fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(from(v.metadataKey), tie('value'), { maxKeys: 2 }),
  ),
})).value;

const some = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: 1 });

/** Time of the earliest generated entry; they lie within two days. */
export const firstTimeMs: number = Date.UTC(2026, 0, 30);
const spanMs = 2 * 86_400_000;

/** An entry as the log may hold it, without the keys that are absent. */
export function anyEntry(): fc.Arbitrary<Omit<Entry, 'trail' | 'receivedAt'>> {
  return fc
    .record({
      action: from(v.action),
      actor: some(
        fc.record({
          email: some(idValue),
          id: some(idValue),
          name: some(textValue),
          onBehalfOf: some(idValue),
          sessionId: some(idValue),
          type: from(actorTypes),
        }),
      ),
      category: some(from(categories)),
      changes: some(
        fc.array(fc.record({ after: some(metadataValue), before: some(metadataValue), field: idValue }), {
          maxLength: 2,
        }),
      ),
      context: some(
        fc.record({
          environment: some(from(['production', 'staging'])),
          http: some(
            fc.record({
              durationMs: some(from(v.number)),
              method: some(from(['GET', 'POST'])),
              path: some(textValue),
              route: some(from(['/v1/:id', '/'])),
              status: some(from([200, 401, 500])),
            }),
          ),
          requestId: some(idValue),
          service: some(from(['auth-api', 'billing'])),
          spanId: some(idValue),
          traceId: some(idValue),
        }),
      ),
      id: fc.uuid(),
      metadata: some(fc.dictionary(from(v.metadataKey), metadataValue, { maxKeys: 3 })),
      outcome: some(from(outcomes)),
      producer: some(fc.record({ id: idValue, seq: fc.nat(9) })),
      reason: some(textValue),
      schemaVersion: fc.constant(1),
      severity: some(from(severities)),
      source: some(
        fc.record({ ip: some(from(v.ip)), port: some(from([22, 443])), userAgent: some(textValue) }),
      ),
      targets: some(
        fc.array(fc.record({ id: some(idValue), name: some(textValue), type: from(['user', 'invoice']) }), {
          maxLength: 3,
        }),
      ),
      tenant: some(from(v.tenant)),
      time: fc.nat(spanMs).map((ms) => new Date(firstTimeMs + ms).toISOString()),
    })
    .map((entry) => JSON.parse(JSON.stringify(entry)) as Omit<Entry, 'trail' | 'receivedAt'>);
}
