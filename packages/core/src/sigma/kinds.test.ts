import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompiledRules } from './compiled-rules.ts';
import type { Locate } from './locate.ts';
import { episodesByDefinition, type PlainEpisode, type PlainOccurrence } from './testing/brute-force.ts';
import {
  base,
  correlation,
  cuts,
  detect,
  load,
  type Sent,
  streams,
  streamsOf,
} from './testing/detector-harness.ts';
import {
  gapsByDefinition,
  newTermsByDefinition,
  rateByDefinition,
  returnsByDefinition,
  silenceByDefinition,
  travelByDefinition,
} from './testing/kinds-by-definition.ts';

/** What is found by a definition, by group, of the events that match `a` or `b`. */
function defined(
  sent: readonly Sent[],
  of: (occurrences: readonly PlainOccurrence[]) => readonly PlainEpisode[],
): [string, readonly PlainEpisode[]][] {
  return ['x', 'y'].flatMap((who) => {
    const occurrences = sent.flatMap(({ timeMs, who: whose, kinds, value }, index) =>
      whose === who && (kinds.includes('a') || kinds.includes('b'))
        ? [{ timeMs, index, rules: [0], value }]
        : [],
    );
    const found = of(occurrences);
    return found.length > 0
      ? [[who, [...found].sort(([a], [b]) => a - b)] as [string, readonly PlainEpisode[]]]
      : [];
  });
}

const inSeconds = (sent: readonly Sent[]): Sent[] =>
  sent.map((one) => ({ ...one, timeMs: one.timeMs * 1000 }));
const ruleOf = (type: string, timespan: string, condition: string): CompiledRules =>
  new CompiledRules(
    load(
      correlation(`  type: ${type}\n  rules: [a, b]\n  condition: {${condition}}`).replace(
        'timespan: 10s',
        `timespan: ${timespan}`,
      ),
    ),
  );

/** Three places, far from each other and near, an anonymiser, another address of a network, and one that nobody knows. */
const places: Readonly<Record<string, ReturnType<Locate>>> = {
  '192.0.2.1': { latitude: 0, longitude: 0, accuracyKm: 10 },
  '198.51.100.1': { latitude: 0, longitude: 1, accuracyKm: 10, asn: 64_500 },
  '198.51.100.2': { latitude: 0, longitude: 2, asn: 64_501 },
  '203.0.113.1': { latitude: 1, longitude: 1, asn: 64_500 },
  '203.0.113.2': { latitude: 50, longitude: 50, isAnonymous: true },
  '2001:db8::1': { latitude: 0, longitude: 0.5 },
  '2001:db8:1::1': { latitude: 3, longitude: 0 },
};
const locate: Locate = (address) => places[address];

describe('kinds beyond Sigma find what their definitions say, however events come and are cut into batches', () => {
  it.each([
    [10, 1, 0],
    [10, 2, 0],
    [25, 1, 12],
    [40, 2, 5],
    [3, 1, 0],
    [21, 1, 0],
  ])('new_terms over %i s with %i known and %i s to learn', (spanS, known, learnS) => {
    const learn = learnS > 0 ? `, learn: ${learnS}s` : '';
    const rules = ruleOf('new_terms', `${spanS}s`, `field: value, known: ${known}${learn}`);
    fc.assert(
      fc.property(streams, cuts, (sent, batches) => {
        const scaled = inSeconds(sent);
        const expected = defined(scaled, (list) =>
          newTermsByDefinition(list, spanS * 1000, known, learnS * 1000),
        );
        expect([...detect(rules, scaled, batches)].sort()).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    [5, 30],
    [10, 25],
    [21, 60],
    [25, 40],
  ])('new_terms of what comes again after %i s, within %i s', (spanS, againS) => {
    const rules = ruleOf('new_terms', `${spanS}s`, `field: value, again: ${againS}s`);
    fc.assert(
      fc.property(streams, cuts, (sent, batches) => {
        const scaled = inSeconds(sent);
        const expected = defined(scaled, (list) => returnsByDefinition(list, spanS * 1000, againS * 1000));
        expect([...detect(rules, scaled, batches)].sort()).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    { spanS: 5, least: 2, factor: 1.5, known: 2, windows: 6 },
    { spanS: 10, least: 1, factor: 2, known: 1, windows: 3 },
    { spanS: 2, least: 2, factor: 1, known: 3, windows: 20 },
  ])('rate: %o', ({ spanS, ...settings }) => {
    const { least, factor, known, windows } = settings;
    const rules = ruleOf(
      'rate',
      `${spanS}s`,
      `gte: ${least}, factor: ${factor}, known: ${known}, history: ${windows * spanS}s`,
    );
    fc.assert(
      fc.property(streams, cuts, (sent, batches) => {
        const scaled = inSeconds(sent);
        const expected = defined(scaled, (list) => rateByDefinition(list, spanS * 1000, settings));
        expect([...detect(rules, scaled, batches)].sort()).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    { spanS: 5, historyS: 12, least: 1 },
    { spanS: 10, historyS: 60, least: 2 },
    { spanS: 1, historyS: 2, least: 1 },
  ])('sequence_gap: %o', ({ spanS, historyS, least }) => {
    const rules = ruleOf('sequence_gap', `${spanS}s`, `field: value, gte: ${least}, history: ${historyS}s`);
    fc.assert(
      fc.property(streamsOf(fc.nat(15)), cuts, (sent, batches) => {
        const scaled = inSeconds(sent);
        const expected = defined(scaled, (list) =>
          gapsByDefinition(list, spanS * 1000, historyS * 1000, least),
        );
        expect([...detect(rules, scaled, batches)].sort()).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('impossible_travel', () => {
    const settings = { speedKmh: 60_000, distanceKm: 60 };
    const rules = ruleOf('impossible_travel', '10s', 'field: value, speed: 60000, distance: 60');
    const addresses = fc.constantFrom(...Object.keys(places), '192.0.2.99', 'no address');
    fc.assert(
      fc.property(streamsOf(addresses), cuts, (sent, batches) => {
        const scaled = inSeconds(sent);
        const expected = defined(scaled, (list) => travelByDefinition(list, 10_000, settings, locate));
        expect([...detect(rules, scaled, batches, locate)].sort()).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    { spanS: 5, historyS: 12, least: 1 },
    { spanS: 10, historyS: 60, least: 3 },
  ])('silence, by the time of receipt: %o', ({ spanS, historyS, least }) => {
    const rules = ruleOf('silence', `${spanS}s`, `gte: ${least}, history: ${historyS}s`);
    fc.assert(
      fc.property(streams, cuts, (sent, batches) => {
        // Received in the order of the log; when they happened says nothing.
        const scaled = inSeconds(sent)
          .toSorted((a, b) => a.timeMs - b.timeMs)
          .map((one) => ({ ...one, receivedMs: one.timeMs + 1000, timeMs: 1000 }));
        const untilMs = scaled.at(-1)?.receivedMs ?? 0;
        const expected = ['x', 'y'].flatMap((who) => {
          const heard = scaled.flatMap(({ who: whose, kinds, receivedMs }) =>
            whose === who && (kinds.includes('a') || kinds.includes('b')) ? [receivedMs] : [],
          );
          const found = silenceByDefinition(heard, untilMs, spanS * 1000, historyS * 1000, least);
          return found.length > 0 ? [[who, found]] : [];
        });
        expect([...detect(rules, scaled, batches)].sort()).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('risk: adds up what findings weigh, of rules and of correlations, each once', () => {
    const weighed = (name: string, risk: number): string =>
      base(name).replace('\n---', `\nsealtrail: {risk: ${risk}}\n---`);
    const text = `${['a', 'b', 'c'].map((name, i) => (i === 2 ? base(name) : weighed(name, 2 + i))).join('')}
title: inner
name: inner
correlation: {type: event_count, rules: [c], group-by: [who], timespan: 3s, condition: {gte: 2}}
sealtrail: {risk: 5}
---
title: correlation
name: correlation
correlation: {type: risk, group-by: [who], timespan: 10s, condition: {gte: 8}}
`;
    const rules = new CompiledRules(load(text.trim()));
    fc.assert(
      fc.property(streams, cuts, (sent, batches) => {
        const scaled = inSeconds(sent);
        const expected = ['x', 'y'].flatMap((who) => {
          const own = scaled.map((one, index) => ({ ...one, index })).filter((one) => one.who === who);
          const points = own.flatMap(({ timeMs, index, kinds }) => [
            ...(kinds.includes('a') ? [{ timeMs, index, rules: [0], value: 2 }] : []),
            ...(kinds.includes('b') ? [{ timeMs, index, rules: [0], value: 3 }] : []),
          ]);
          const counted = own.flatMap(({ timeMs, index, kinds }) =>
            kinds.includes('c') ? [{ timeMs, index, rules: [0] }] : [],
          );
          const inner = episodesByDefinition(counted, 3000, ({ length }) =>
            length >= 2 ? length : undefined,
          );
          const all = [
            ...points,
            ...inner.map(([timeMs], i) => ({ timeMs, index: 1000 + i, rules: [0], value: 5 })),
          ];
          const found = episodesByDefinition(all, 10_000, (window) => {
            const sum = window.reduce((total, { value }) => total + Number(value), 0);
            return sum >= 8 ? sum : undefined;
          });
          return found.length > 0 ? [[who, found]] : [];
        });
        expect([...detect(rules, scaled, batches)].sort()).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});
