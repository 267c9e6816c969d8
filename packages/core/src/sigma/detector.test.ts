import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompiledRules } from './compiled-rules.ts';
import { Detector } from './detector.ts';
import {
  closedByDefinition,
  episodesByDefinition,
  hasChain,
  type PlainEpisode,
  type PlainOccurrence,
} from './testing/brute-force.ts';
import {
  base,
  correlation,
  cuts,
  detect,
  inputsOf,
  load,
  spanMs,
  streams,
} from './testing/detector-harness.ts';

type Level = (window: readonly PlainOccurrence[]) => number | undefined;
const atLeast = (n: number, of: (window: readonly PlainOccurrence[]) => number): Level => {
  return (window) => (of(window) >= n ? of(window) : undefined);
};
const distinct = (window: readonly PlainOccurrence[]): number => new Set(window.map((one) => one.value)).size;
const rulesIn = (window: readonly PlainOccurrence[]): Set<number> =>
  new Set(window.flatMap(({ rules }) => rules));
const numbers = (window: readonly PlainOccurrence[]): number[] =>
  window.map(({ value }) => Number(value)).sort((a, b) => a - b);
const sum = (window: readonly PlainOccurrence[]): number => numbers(window).reduce((a, b) => a + b, 0);

/** Correlations of every type, with what they mean. `measured`: events without a number in `value` do not count. */
const cases: readonly {
  readonly name: string;
  readonly body: string;
  readonly level: Level;
  readonly isClosed?: true;
  readonly measured?: true;
}[] = [
  {
    name: 'event_count gte',
    body: '  type: event_count\n  rules: [a, b]\n  condition: {gte: 3}',
    level: atLeast(3, (window) => window.length),
  },
  {
    name: 'event_count gt of one',
    body: '  type: event_count\n  rules: [a, b]\n  condition: {gt: 0}',
    level: atLeast(1, (window) => window.length),
  },
  {
    name: 'event_count in a range',
    body: '  type: event_count\n  rules: [a, b]\n  condition: {gte: 2, lt: 4}',
    level: (window) => (window.length >= 2 && window.length < 4 ? window.length : undefined),
    isClosed: true,
  },
  {
    name: 'value_count',
    body: '  type: value_count\n  rules: [a, b]\n  condition: {field: value, gte: 3}',
    level: atLeast(3, distinct),
  },
  {
    name: 'value_count neq',
    body: '  type: value_count\n  rules: [a, b]\n  condition: {field: value, neq: 2}',
    level: (window) => (distinct(window) !== 2 ? distinct(window) : undefined),
    isClosed: true,
  },
  {
    name: 'temporal',
    body: '  type: temporal\n  rules: [a, b, c]',
    level: (window) => (rulesIn(window).size === 3 ? 3 : undefined),
  },
  {
    name: 'temporal with a condition',
    body: '  type: temporal\n  rules: [a, b, c]\n  condition: a and (b or c)',
    level: (window) => {
      const seen = rulesIn(window);
      return seen.has(0) && (seen.has(1) || seen.has(2)) ? 1 : undefined;
    },
  },
  {
    name: 'temporal with a not',
    body: '  type: temporal\n  rules: [a, b]\n  condition: a and not b',
    level: (window) => {
      const seen = rulesIn(window);
      return seen.has(0) && !seen.has(1) ? seen.size : undefined;
    },
    isClosed: true,
  },
  {
    name: 'temporal_ordered',
    body: '  type: temporal_ordered\n  rules: [a, b, c]',
    level: (window) => (hasChain(window, 3) ? 1 : undefined),
  },
  {
    name: 'temporal_ordered of one rule after itself',
    body: '  type: temporal_ordered\n  rules: [a, a]',
    level: (window) => (window.filter(({ rules }) => rules.includes(0)).length >= 2 ? 1 : undefined),
  },
  {
    name: 'value_sum',
    body: '  type: value_sum\n  rules: [a, b]\n  condition: {field: value, gt: 9}',
    level: (window) => (sum(window) > 9 ? sum(window) : undefined),
    measured: true,
  },
  {
    name: 'value_avg',
    body: '  type: value_avg\n  rules: [a, b]\n  condition: {field: value, gte: 3}',
    level: (window) => (sum(window) / window.length >= 3 ? sum(window) / window.length : undefined),
    measured: true,
  },
  {
    name: 'value_avg lte',
    body: '  type: value_avg\n  rules: [a, b]\n  condition: {field: value, lte: 2}',
    level: (window) => (sum(window) / window.length <= 2 ? sum(window) / window.length : undefined),
    measured: true,
    isClosed: true,
  },
  {
    name: 'value_percentile',
    body: '  type: value_percentile\n  rules: [a, b]\n  condition: {field: value, percentile: 50, gte: 3}',
    level: (window) => {
      const sorted = numbers(window);
      const at = (sorted.length - 1) / 2;
      const middle = (sorted[Math.floor(at)]! + sorted[Math.ceil(at)]!) / 2;
      return middle >= 3 ? middle : undefined;
    },
    measured: true,
  },
  {
    name: 'value_percentile without a percentile',
    body: '  type: value_percentile\n  rules: [a, b]\n  condition: {field: value, lte: 25}',
    level: (window) => {
      const values = window.map(({ value }) => value);
      const shares = values.map(
        (value) => (100 * values.filter((one) => one === value).length) / values.length,
      );
      const least = Math.min(...shares);
      return least <= 25 ? least : undefined;
    },
    isClosed: true,
  },
];

describe('Detector', () => {
  it.each(cases)(
    '$name: finds what its definition says, however events come, are cut into batches and it is stopped',
    ({ body, level, isClosed, measured }) => {
      const rules = new CompiledRules(load(correlation(body)));
      const places = body.includes('[a, a]')
        ? [['a'], ['a']]
        : body.includes('[a, b, c]')
          ? [['a'], ['b'], ['c']]
          : [['a'], ['b']];
      fc.assert(
        fc.property(streams, cuts, (sent, batches) => {
          const scaled = sent.map((one) => ({ ...one, timeMs: one.timeMs * 1000 }));
          const expected = new Map<string, PlainEpisode[]>();
          for (const who of ['x', 'y']) {
            const occurrences = scaled.flatMap(({ timeMs, who: of, kinds, value }, index) => {
              const matched = places.flatMap(([kind], place) => (kinds.includes(kind!) ? [place] : []));
              if (of !== who || matched.length === 0) return [];
              if (measured && typeof value !== 'number') return [];
              return [{ timeMs, index, rules: matched, value }];
            });
            const found = (isClosed ? closedByDefinition : episodesByDefinition)(occurrences, spanMs, level);
            if (found.length > 0) expected.set(who, found);
          }
          const found = detect(rules, scaled, batches);
          expect([...found].sort()).toEqual([...expected].sort());
        }),
        { numRuns: 300 },
      );
    },
  );

  it.each([
    {
      name: 'temporal over a correlation and a rule',
      body: '  type: temporal\n  rules: [inner, c]',
      level: (window: readonly PlainOccurrence[]) => (rulesIn(window).size === 2 ? 2 : undefined),
    },
    {
      name: 'event_count over a correlation',
      body: '  type: event_count\n  rules: [inner]\n  condition: {gte: 2}',
      level: atLeast(2, (window) => window.length),
    },
  ])('$name: counts each time that the inner one began to hold', ({ body, level }) => {
    const inner = `
title: inner
name: inner
correlation: {type: event_count, rules: [a], group-by: [who], timespan: 3s, condition: {gte: 2}}
---`;
    const rules = new CompiledRules(
      load(correlation(body).replace('title: correlation', `${inner.slice(1)}\ntitle: correlation`)),
    );
    fc.assert(
      fc.property(streams, cuts, (sent, batches) => {
        const scaled = sent.map((one) => ({ ...one, timeMs: one.timeMs * 1000 }));
        const expected = new Map<string, PlainEpisode[]>();
        for (const who of ['x', 'y']) {
          const of = (kind: string, place: number): PlainOccurrence[] =>
            scaled.flatMap(({ timeMs, who: whose, kinds }, index) =>
              whose === who && kinds.includes(kind) ? [{ timeMs, index, rules: [place] }] : [],
            );
          const begun = episodesByDefinition(
            of('a', 0),
            3000,
            atLeast(2, (window) => window.length),
          );
          const occurrences = [
            ...begun.map(([timeMs], i): PlainOccurrence => ({ timeMs, index: 1000 + i, rules: [0] })),
            ...(body.includes('c]') ? of('c', 1) : []),
          ];
          const found = episodesByDefinition(occurrences, spanMs, level);
          if (found.length > 0) expected.set(who, found);
        }
        expect([...detect(rules, scaled, batches)].sort()).toEqual([...expected].sort());
      }),
      { numRuns: 300 },
    );
  });

  it('counts what comes too late for correlations, and lets rules over single events see it', () => {
    const rules = new CompiledRules(
      load(`${correlation('  type: event_count\n  rules: [a]\n  condition: {gte: 2}\n  generate: true')}`),
    );
    const detector = new Detector(rules, { latenessMs: 1000 });
    const at = (...times: number[]) =>
      inputsOf(times.map((timeMs) => ({ timeMs, who: 'x', kinds: ['a'], value: 1 })));
    expect(detector.take(at(10_000)).late).toBe(0);
    const { late, matches, episodes } = detector.take(at(9_000, 9_001));
    expect([late, matches.length, episodes.length]).toEqual([1, 2, 1]);
  });

  it('takes what claims to happen later than it was received to have happened then', () => {
    const rules = new CompiledRules(
      load(correlation('  type: event_count\n  rules: [a]\n  condition: {gte: 2}')),
    );
    const detector = new Detector(rules, { latenessMs: 1000 });
    const [first, second] = inputsOf([
      { timeMs: 9e12, who: 'x', kinds: ['a'], value: 1 },
      { timeMs: 5000, who: 'x', kinds: ['a'], value: 1 },
    ]);
    const { late, episodes } = detector.take([{ ...first!, receivedMs: 5500 }, second!]);
    expect([late, episodes.map(({ episode }) => episode.startMs)]).toEqual([0, [5500]]);
  });

  it.each([
    ['', ['outer']],
    ['\n  generate: true', ['inner', 'outer']],
    ['\nsealtrail: {finding: false}', []],
  ])(
    'takes what a correlation is over for no finding by itself, unless it generates it (%j)',
    (more, expected) => {
      const text = `${base('a').slice(1)}
title: inner
name: inner
correlation: {type: event_count, rules: [a], group-by: [who], timespan: 3s, condition: {gte: 2}}
---
title: outer
name: outer
correlation:
  type: event_count
  rules: [inner]
  group-by: [who]
  timespan: 1m
  condition: {gte: 1}${more}
`;
      const detector = new Detector(new CompiledRules(load(text)), { latenessMs: 0 });
      const inputs = inputsOf([1, 2].map((timeMs) => ({ timeMs, who: 'x', kinds: ['a'], value: 1 })));
      const found = [...detector.take(inputs).episodes, ...detector.finish()];
      expect([...new Set(found.map(({ rule }) => rule.key))].sort()).toEqual(expected);
    },
  );

  it('keeps tenants apart', () => {
    const rules = new CompiledRules(
      load(correlation('  type: event_count\n  rules: [a]\n  condition: {gte: 2}')),
    );
    const inputs = inputsOf([1, 2, 3].map((timeMs) => ({ timeMs, who: 'x', kinds: ['a'], value: 1 })));
    const { episodes } = new Detector(rules, { latenessMs: 0 }).take(
      inputs.map((input, i) => ({ ...input, partition: i === 1 ? 'one' : 'other' })),
    );
    expect(episodes.map(({ group, episode }) => [group, episode.startMs])).toEqual([
      [{ partition: 'other', values: ['x'] }, 3],
    ]);
  });
});
