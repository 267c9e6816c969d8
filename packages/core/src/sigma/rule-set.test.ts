import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Detection } from './detection.ts';
import type { RuleEvent } from './event-fields.ts';
import { type EventSource, fits } from './logsource.ts';
import { parseItem } from './modifiers.ts';
import { compileNaive } from './naive.ts';
import { RuleError } from './rule-error.ts';
import { RuleSet } from './rule-set.ts';

const from = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const texts = [
  'Admin',
  'admin',
  'cmd.exe',
  'a b',
  '',
  '5',
  'true',
  '10.0.0.1',
  'x-y',
  '*',
  'ADMIN\\',
  'é',
] as const;
const fieldNames = ['user', 'user.name', 'user.name.first', 'ip', 'n', 'a.b'] as const;

const anyValue = fc.oneof(from(texts), from([0, 5, 5.5, -1]), fc.boolean(), fc.constant(null));
const anyKey = fc
  .tuple(
    fc.option(from(fieldNames), { nil: '' as const }),
    from([
      '',
      'contains',
      'startswith',
      'endswith',
      'cased',
      'contains|all',
      'neq',
      're',
      're|i',
      'exists',
      'cidr',
      'gte',
      'lt',
      'windash',
      'fieldref',
      'base64offset|contains',
      'all',
      'contains|neq',
    ]),
  )
  .map(([field, modifiers]) => (modifiers === '' ? field : `${field}|${modifiers}`));

/** Any item that can be read. */
const anyItem: fc.Arbitrary<Detection> = fc
  .tuple(anyKey, fc.array(anyValue, { minLength: 1, maxLength: 3 }))
  .map(([key, values]): Detection | undefined => {
    try {
      const item = parseItem(key, values);
      const detection: Detection = { op: 'item', item };
      compileNaive(detection);
      return detection;
    } catch (error) {
      if (error instanceof RuleError) return undefined;
      throw error;
    }
  })
  .filter((detection) => detection !== undefined);

const anyDetection: fc.Arbitrary<Detection> = fc.letrec<{ detection: Detection }>((tie) => ({
  detection: fc.oneof(
    { depthSize: 'small', maxDepth: 3, withCrossShrink: true },
    anyItem,
    fc.record({
      op: from(['and', 'or'] as const),
      parts: fc.array(tie('detection'), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ op: fc.constant('not' as const), part: tie('detection') }),
  ),
})).detection;

const anyScalar = fc.oneof(
  from(texts),
  from(['the ADMIN account', 'C:\\cmd.exe', 'YWRtaW4=', '5.0', 'x–y']),
  from([5, 5.5, 0]),
  fc.boolean(),
  fc.constant(null),
);
const anyEvent: fc.Arbitrary<RuleEvent> = fc.dictionary(
  from(['user', 'name', 'ip', 'n', 'a', 'a.b', 'user.name', 'other']),
  fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', maxDepth: 3, withCrossShrink: true },
      anyScalar,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(from(['name', 'first', 'b', 'x']), tie('value'), { maxKeys: 3 }),
    ),
  })).value,
  { maxKeys: 5 },
);

describe('RuleSet', () => {
  it('finds what the plain evaluation finds, for any rules and events', () => {
    fc.assert(
      fc.property(
        fc.array(anyDetection, { minLength: 1, maxLength: 8 }),
        fc.array(anyEvent, { minLength: 1, maxLength: 6 }),
        (detections, events) => {
          const set = new RuleSet(detections.map((detection) => ({ logsource: {}, detection })));
          const tests = detections.map(compileNaive);
          for (const event of events)
            expect([event, set.matches(event, {})]).toEqual([
              event,
              tests.flatMap((test, number) => (test(event) ? [number] : [])),
            ]);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('asks rules of another source nothing, and leaves out none that the event does not contradict', () => {
    const detection: Detection = { op: 'item', item: parseItem('a', [1]) };
    const set = new RuleSet([
      { logsource: { product: 'aws', service: 'cloudtrail' }, detection },
      { logsource: { product: 'okta' }, detection },
      { logsource: { category: 'application' }, detection },
    ]);
    expect(set.matches({ a: 1 }, {})).toEqual([0, 1, 2]);
    expect(set.matches({ a: 1 }, { product: 'aws' })).toEqual([0, 2]);
    expect(set.matches({ a: 1 }, { product: 'aws', service: 's3' })).toEqual([2]);
    expect(set.matches({ a: 1 }, { category: 'webserver' })).toEqual([0, 1]);
  });

  it('leaves out rules that ask for what a source of which all is known does not have', () => {
    const detection: Detection = { op: 'item', item: parseItem('a', [1]) };
    const wanted = [{ product: 'aws', service: 'cloudtrail' }, { product: 'aws' }, { category: 'webserver' }];
    const set = new RuleSet(wanted.map((logsource) => ({ logsource, detection })));
    const isComplete = true;
    expect(set.matches({ a: 1 }, { product: 'aws', isComplete })).toEqual([1]);
    expect(set.matches({ a: 1 }, { product: 'aws' })).toEqual([0, 1, 2]);
    expect(set.matches({ a: 1 }, { product: 'aws', service: 'cloudtrail', isComplete })).toEqual([0, 1]);
    expect(set.matches({ a: 1 }, { category: 'webserver', isComplete })).toEqual([2]);
    expect(set.matches({ a: 1 }, { isComplete })).toEqual([]);
  });

  it('asks just the rules that fit a source, whatever sources came before', () => {
    const part = fc.option(from(['x', 'y', 'of no rule', 'of no rule either']), { nil: undefined });
    const wanted = fc.record(
      { category: from(['x', 'y']), product: from(['x', 'y']), service: from(['x', 'y']) },
      { requiredKeys: [] },
    );
    const source = fc.record({ category: part, product: part, service: part, isComplete: fc.boolean() });
    const detection: Detection = { op: 'item', item: parseItem('a', [1]) };
    fc.assert(
      fc.property(fc.array(wanted), fc.array(source, { maxLength: 20 }), (logsources, sources) => {
        const set = new RuleSet(logsources.map((logsource) => ({ logsource, detection })));
        for (const one of sources)
          expect(set.matches({ a: 1 }, one as EventSource)).toEqual(
            logsources.flatMap((logsource, i) => (fits(logsource, one as EventSource) ? [i] : [])),
          );
      }),
    );
  });

  it('keeps to keys as they are where one is the name of a field, and to paths elsewhere', () => {
    const fields = ['a.b', 'a.b.c', '.a', 'a..b', 'a.', 'b'];
    const set = new RuleSet(
      fields.map((field) => ({ logsource: {}, detection: { op: 'item', item: parseItem(field, [1]) } })),
    );
    const tests = fields.map((field) => compileNaive({ op: 'item', item: parseItem(field, [1]) }));
    const events = [
      { 'a.b': 1, a: { b: 2, 'b.c': 1 } },
      { 'a.b': 2, a: { b: 1 } },
      { a: { b: { c: 1 }, '': 1 }, '': { a: 1 } },
      { '.a': 1, a: { '.b': 1, '': { b: 1 } } },
      { a: [{ b: 2 }, { b: 1 }], b: [[2], [1]], 'x.y': 1 },
      { a: { b: [] }, b: [] },
    ];
    for (const event of events)
      expect([event, set.matches(event, {})]).toEqual([
        event,
        tests.flatMap((test, i) => (test(event) ? [i] : [])),
      ]);
  });
});
