import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SealtrailError } from '../errors.ts';
import { type Event, eventSchema } from '../event/event.ts';
import { eventLimits } from '../event/limits.ts';
import { entryText, eventOfValue } from '../event/parse.ts';
import { codeOf } from '../testing/code-of.ts';
import { builtInSource, builtInSources, sourceView } from './built-in-sources.ts';
import type { Mapped, Source } from './source.ts';

const clock = { latestMs: Date.UTC(2026, 5, 30, 12), offsetMinutes: 0 };
const cloudTrail = builtInSource('aws-cloudtrail')!;
const okta = builtInSource('okta')!;
const github = builtInSource('github-audit')!;
const syslog = builtInSource('syslog')!;
const accessLog = builtInSource('access-log')!;

const record = (further: object = {}): Record<string, unknown> => ({
  eventID: 'e-1',
  eventName: 'CreateUser',
  eventSource: 'iam.amazonaws.com',
  eventTime: '2026-03-01T08:00:00Z',
  ...further,
});
const eventOf = (mapped: Mapped): Event => {
  if (mapped.is !== 'event') throw new Error('expected an event');
  return mapped.event;
};
const bytesOf = (event: Event): number =>
  Buffer.byteLength(
    entryText(event, { id: 'x'.repeat(36), nowMs: 0, trail: 't'.repeat(64), tenant: 'ü'.repeat(256) }).text,
  );

describe('an original that does not fit', () => {
  it.each([
    ['too large', record({ requestParameters: { text: 'x'.repeat(61_000) } }), 'too_large'],
    [
      'too large in bytes alone',
      record({ requestParameters: { text: '\u4e2d'.repeat(20_400) } }),
      'too_large',
    ],
    [
      'of too many keys',
      record({ requestParameters: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, i])) }),
      'too_many_keys',
    ],
    [
      'nested too deep',
      record({ requestParameters: JSON.parse(`${'{"a":'.repeat(20)}1${'}'.repeat(20)}`) }),
      'too_deep',
    ],
    ['with a key that entries may not have', record({ requestParameters: { 'a\\b': 1 } }), 'key_not_allowed'],
    [
      'with a key that is too long',
      record({ requestParameters: { [`k${'x'.repeat(200)}`]: 1 } }),
      'key_not_allowed',
    ],
  ])('is left out where it is %s, and rules see what matters of it', (_name, given, reason) => {
    const [opened] = cloudTrail.recordsIn(JSON.stringify(given));
    const event = eventOf(cloudTrail.map(opened!));
    expect(event.metadata).toMatchObject({ source: 'aws-cloudtrail', originalOmitted: reason });
    expect(event.metadata).not.toHaveProperty('original');
    expect(eventSchema.safeParse(event).error).toBeUndefined();
    expect(bytesOf(event)).toBeLessThanOrEqual(eventLimits.entryBytes);
    expect(sourceView(event.metadata)).toEqual({
      event: record(),
      logsource: { product: 'aws', service: 'cloudtrail' },
    });
  });

  it('leaves out a line that is too long, and keeps its fields, cut', () => {
    const line = `192.0.2.7 - - [12/Feb/2026:14:10:21 +0000] "GET /${'a'.repeat(62_000)} HTTP/1.1" 200 1 "-" "curl/8"`;
    const event = eventOf(accessLog.mapLine(line, 0, clock));
    expect(event.metadata).toMatchObject({ originalOmitted: 'too_large' });
    const view = sourceView(event.metadata)!;
    expect(view.event).toMatchObject({ 'c-ip': '192.0.2.7', 'cs-method': 'GET', 'sc-status': '200' });
    expect((view.event['cs-uri-stem'] as string).length).toBe(1024);
  });

  it('is kept as long as it fits', () => {
    for (const length of [10_000, 50_000, 59_500]) {
      const event = eventOf(cloudTrail.map(record({ apiVersion: 'x'.repeat(length) })));
      expect(event.metadata).toHaveProperty('original');
      expect(bytesOf(event)).toBeLessThanOrEqual(eventLimits.entryBytes);
    }
  });

  it.each([
    [
      'targets',
      {
        resources: Array.from({ length: 60 }, () => ({
          type: '\u0001'.repeat(400),
          ARN: '\u0001'.repeat(400),
        })),
      },
    ],
    [
      'values',
      {
        errorCode: Array.from({ length: 100 }, () => '\u0001'.repeat(400)),
        userAgent: '\u0001'.repeat(9000),
      },
    ],
    [
      'texts',
      {
        errorMessage: '\u0001'.repeat(9000),
        requestParameters: Object.fromEntries(
          ['userName', 'roleName', 'groupName', 'key', 'name'].map((name) => [name, '\u0001'.repeat(3000)]),
        ),
      },
    ],
  ])('is no room for a record full of %s that take much', (_name, further) => {
    const event = eventOf(cloudTrail.map(record(further)));
    expect(bytesOf(event)).toBeLessThanOrEqual(eventLimits.entryBytes);
    expect(event).toMatchObject({ action: 'aws.iam.create_user', time: '2026-03-01T08:00:00.000Z' });
    expect(sourceView(event.metadata)?.event).toMatchObject({ eventName: 'CreateUser' });
  });

  it('can be left out on demand', () => {
    const event = eventOf(cloudTrail.map(record(), { omit: 'too_large' }));
    expect(event.metadata).toMatchObject({ originalOmitted: 'too_large' });
    expect(sourceView(event.metadata)?.event).toEqual(record());
  });
});

describe('records', () => {
  it('lie in envelopes, of whatever depth', () => {
    const deep = { Records: [{ detail: record() }, { detail: { Records: [record({ eventID: 'e-2' })] } }] };
    expect(cloudTrail.recordsIn(JSON.stringify(deep))).toEqual([record(), record({ eventID: 'e-2' })]);
    expect(cloudTrail.recordsIn('{"Records":[]}')).toEqual([]);
  });

  it('keep numbers that a double does not', () => {
    const text =
      '{"eventName":"A","eventSource":"a.amazonaws.com","eventTime":"2026-03-01T08:00:00Z","n":12345678901234567890,"f":0.12345678901234567890,"e":1e400,"s":1.5}';
    const [opened] = cloudTrail.recordsIn(text);
    expect(opened).toMatchObject({
      n: '12345678901234567890',
      f: '0.12345678901234567890',
      e: '1e400',
      s: 1.5,
    });
    expect(() => eventOfValue(eventOf(cloudTrail.map(opened!)))).not.toThrow();
  });

  it.each([
    ['no JSON', '{"eventName":', 'malformed_json'],
    ['a list', '[]', 'unknown_record'],
    ['a number', '5', 'unknown_record'],
    ['nested without end', `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`, 'unknown_record'],
  ])('are refused where they are %s', (_name, text, code) => {
    expect(codeOf(() => cloudTrail.recordsIn(text))).toBe(code);
  });

  it.each([
    ['another product', { action: 'a.b' }, 'unknown_record'],
    ['a time that is none', record({ eventTime: 'yesterday' }), 'invalid_time'],
    ['a day that there is not', record({ eventTime: '2026-02-30T00:00:00Z' }), 'invalid_time'],
    ['a name without a letter', record({ eventSource: '..', eventName: '..' }), 'unknown_record'],
  ])('are refused where they are of %s', (_name, given, code) => {
    expect(codeOf(() => cloudTrail.map(given))).toBe(code);
  });

  const okta1 = { uuid: 'u-1', eventType: 'user.session.start', published: '2026-03-01T08:00:00Z' };
  const github1 = { action: 'repo.create', actor: 'ada', created_at: 1_772_352_000_123 };

  it.each<[Source, object, string]>([
    [cloudTrail, record({ eventTime: undefined }), 'invalid_time'],
    [cloudTrail, record({ eventTime: null }), 'invalid_time'],
    [cloudTrail, record({ eventTime: 1_772_352_000 }), 'unknown_record'],
    [cloudTrail, record({ eventName: ['CreateUser'] }), 'unknown_record'],
    [cloudTrail, record({ eventID: {} }), 'unknown_record'],
    [cloudTrail, record({ eventSource: 'iam' }), 'unknown_record'],
    [cloudTrail, okta1, 'unknown_record'],
    [okta, record({ eventType: 'AwsApiCall' }), 'unknown_record'],
    [okta, { uuid: {}, eventType: ['a'], published: 5 }, 'unknown_record'],
    [okta, { ...okta1, eventType: ['user.session.start'] }, 'unknown_record'],
    [okta, { ...okta1, uuid: {} }, 'unknown_record'],
    [okta, { ...okta1, published: 5 }, 'unknown_record'],
    [okta, { ...okta1, published: '5' }, 'invalid_time'],
    [okta, { ...okta1, published: undefined }, 'invalid_time'],
    [github, { ...github1, created_at: undefined }, 'invalid_time'],
    [github, { ...github1, created_at: 5 }, 'invalid_time'],
    [github, { ...github1, created_at: {} }, 'invalid_time'],
    [github, { ...github1, actor: { id: 'ada' } }, 'unknown_record'],
    [github, { ...github1, action: ['repo.create'] }, 'unknown_record'],
    [github, okta1, 'unknown_record'],
    [github, record(), 'unknown_record'],
  ])('are refused by %o where they are of another form: %o', (source, given, code) => {
    const refused = (): unknown => source.recordsIn(JSON.stringify(given)).map((one) => source.map(one));
    expect(codeOf(refused)).toBe(code);
  });

  it('are taken in the form that they have', () => {
    expect(eventOf(okta.map(okta1)).action).toBe('okta.user.session.start');
    expect(eventOf(github.map(github1)).time).toBe('2026-03-01T08:00:00.123Z');
  });

  it('are known by the name that the source has for them, or else by all that is in them', () => {
    const identity = (given: object): string => {
      const mapped = cloudTrail.map(given as Record<string, unknown>);
      return mapped.is === 'event' ? mapped.identity : '';
    };
    expect(identity(record({ awsRegion: 'a' }))).toBe(identity(record({ awsRegion: 'b' })));
    expect(identity(record({ eventID: 'e-2' }))).not.toBe(identity(record()));
    const [a, b] = [record({ eventID: undefined, x: 1, y: 2 }), record({ y: 2, x: 1, eventID: undefined })];
    expect(identity(a)).toBe(identity(b));
    expect(identity(a)).not.toBe(identity({ ...a, x: 2 }));
  });
});

describe('lines', () => {
  it('are known by their text and by how many of them there were', () => {
    const line = 'Feb 12 14:10:21 h sshd[1]: Server listening on 0.0.0.0 port 22.';
    const identities = [0, 1, 0].map((ordinal) => {
      const mapped = syslog.mapLine(line, ordinal, clock);
      return mapped.is === 'event' ? mapped.identity : '';
    });
    expect(identities[0]).toBe(identities[2]);
    expect(identities[0]).not.toBe(identities[1]);
  });

  it('are broken, of another program, or events', () => {
    expect(codeOf(() => syslog.mapLine('x', 0, clock))).toBe('malformed_line');
    expect(codeOf(() => accessLog.mapLine('x', 0, clock))).toBe('malformed_line');
    expect(syslog.mapLine('Feb 12 14:10:21 h cron[1]: x', 0, clock)).toEqual({ is: 'skipped' });
    expect(accessLog.mapLine('2026/01/01 00:00:00 [error] 1#1: x', 0, clock)).toEqual({ is: 'skipped' });
  });
});

/** Whatever comes in, it is an event that entries can hold, passed over, or refused with a code. */
function judge(source: Source, read: () => readonly Mapped[]): void {
  let results: readonly Mapped[];
  try {
    results = read();
  } catch (error) {
    expect(error).toBeInstanceOf(SealtrailError);
    expect((error as SealtrailError).code).toMatch(
      /^(?:malformed_json|malformed_line|unknown_record|invalid_time)$/,
    );
    return;
  }
  for (const mapped of results) {
    if (mapped.is === 'skipped') continue;
    const event = eventOfValue(mapped.event);
    expect(bytesOf(event)).toBeLessThanOrEqual(eventLimits.entryBytes);
    expect(sourceView(event.metadata)?.logsource).toBeDefined();
    expect(event.metadata).toMatchObject({ source: source.name });
  }
}

const names = [
  ...['eventName', 'eventSource', 'eventTime', 'eventID', 'userIdentity', 'type', 'arn', 'resources', 'ARN'],
  ...[
    'eventType',
    'published',
    'uuid',
    'actor',
    'id',
    'alternateId',
    'target',
    'outcome',
    'result',
    'client',
  ],
  ...['action', '@timestamp', '_document_id', 'repo', 'org', 'Records', 'detail', 'data', 'events', 'source'],
  ...['requestParameters', 'userName', 'sourceIPAddress', 'ipAddress', 'userAgent', 'a\\b', '__proto__', ''],
];
const anyValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      'iam.amazonaws.com',
      'CreateUser',
      'user.session.start',
      'repo.access',
      '192.0.2.7',
      'a@b',
      '-',
      '',
    ),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 8 }),
  ),
})).value;
const anyRecord = fc.dictionary(fc.constantFrom(...names), anyValue, { maxKeys: 12 });
const anyLine = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.oneof(
        fc.constantFrom(
          ...[
            'Feb 12 14:10:21 ',
            'Feb 30 14:10:21 ',
            '2026-02-12T14:10:21Z ',
            '<13>',
            '1 ',
            'h ',
            'sshd[1]: ',
            'sudo: ',
          ],
          ...[
            'Failed password for ',
            'invalid user ',
            'root',
            ' from ',
            '192.0.2.7',
            ' port ',
            '22',
            ' ssh2',
            ' - - ',
          ],
          ...[
            '[12/Feb/2026:14:10:21 +0000] ',
            '"GET / HTTP/1.1"',
            ' 200 ',
            '12',
            ' "-"',
            '\\"',
            '[x="',
            '"]',
            ' ; COMMAND=',
          ],
        ),
        fc.string({ unit: 'binary', maxLength: 8 }),
      ),
      { maxLength: 20 },
    )
    .map((parts) => parts.join('')),
);

describe('any input', () => {
  it('of JSON ends as events, passed over or refused', () => {
    fc.assert(
      fc.property(fc.constantFrom(cloudTrail, okta, github), anyRecord, (source, given) => {
        judge(source, () => source.recordsIn(JSON.stringify(given)).map((one) => source.map(one)));
      }),
      { numRuns: 1500 },
    );
  });

  it('of text ends as an event, passed over or refused', () => {
    fc.assert(
      fc.property(fc.constantFrom(syslog, accessLog), anyLine, (source, line) => {
        judge(source, () => [source.mapLine(line, 0, clock)]);
      }),
      { numRuns: 3000 },
    );
  });

  it('of metadata gives a view, or none', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...builtInSources().keys()),
        fc.oneof(anyValue, anyLine),
        anyValue,
        (source, original, originalFields) => {
          const view = sourceView({ source, original, originalFields });
          if (view !== undefined) expect(view.event).toBeTypeOf('object');
        },
      ),
      { numRuns: 1500 },
    );
  });
});
