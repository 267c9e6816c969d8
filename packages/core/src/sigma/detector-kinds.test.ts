import { describe, expect, it } from 'vitest';
import { CompiledRules } from './compiled-rules.ts';
import { Detector, type DetectorInput, type EpisodeFinding } from './detector.ts';
import type { RuleEvent } from './event-fields.ts';
import { lintRules } from './lint.ts';
import { loadRules } from './load.ts';
import { withoutLocations } from './rule-fields.ts';
import { KeptState, load } from './testing/detector-harness.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const product = { product: 'sealtrail' };

const rule = (name: string, selection: string, more = ''): string => `title: ${name}
name: ${name}
logsource: {product: sealtrail}
detection:
  selection: ${selection}
  condition: selection
${more}---
`;
const signIns = rule('sign_in', '{action: user.login}');

const correlated = (body: string): CompiledRules =>
  new CompiledRules(load(`${signIns}title: it\nname: it\ncorrelation: ${body}\n`));

/** Events that are received when they happen, and read in this order. */
function inputsOf(events: readonly (RuleEvent & { readonly at: number })[], from = 0): DetectorInput[] {
  return events.map(({ at, receivedAt = at, ...event }, i) => ({
    views: [{ event, logsource: product }],
    ...{ timeMs: at, receivedMs: receivedAt as number, index: from + i, partition: '' },
  }));
}

const signIn = (at: number, country: string, id = 'u_1'): RuleEvent & { readonly at: number } => ({
  ...{ at, action: 'user.login', actor: { id }, metadata: { country } },
});
const told = (findings: readonly EpisodeFinding[]): unknown[] =>
  findings.map(({ rule, group, episode: { startMs, endMs, value } }) => [
    ...[rule.key, ...group.values],
    ...(value === undefined ? [] : [value]),
    ...[startMs, endMs],
  ]);

describe('new_terms', () => {
  const rules = correlated(
    '{type: new_terms, rules: [sign_in], group-by: [actor.id], timespan: 30d, condition: {field: metadata.country, learn: 2d}}',
  );
  const options = { latenessMs: 5 * minute };
  const history = [0, 1, 2, 3].map((n) => signIn(n * day, 'NZ'));

  it('tells of a new value with the event that has it, where the group has a history', () => {
    const detector = new Detector(rules, options);
    expect(detector.take(inputsOf(history)).episodes).toEqual([]);
    const at = 3 * day + hour;
    expect(told(detector.take(inputsOf([signIn(at, 'FR')], 4)).episodes)).toEqual([
      ['it', 'u_1', 'FR', at, at],
    ]);
    expect(detector.take(inputsOf([signIn(at + 1, 'FR'), signIn(at + day, 'FR')], 5)).episodes).toEqual([]);
    expect(detector.finish()).toEqual([]);
  });

  it('begins it earlier when an earlier event comes late, under the same name', () => {
    const detector = new Detector(rules, options);
    detector.take(inputsOf(history));
    const at = 3 * day + hour;
    const [first] = detector.take(inputsOf([signIn(at, 'FR')], 4)).episodes;
    const [amended] = detector.take(inputsOf([signIn(at - minute, 'FR')], 5)).episodes;
    expect(amended?.episode).toBe(first?.episode);
    expect(amended?.episode).toMatchObject({
      startMs: at - minute,
      completedBy: 5,
      raisedAt: 4,
      raisedMs: at,
    });
  });

  it('says nothing of a group that is new itself', () => {
    const detector = new Detector(rules, options);
    const inputs = inputsOf([
      ...history,
      ...['NZ', 'FR', 'US'].map((name, n) => signIn(3 * day + n, name, 'u_2')),
    ]);
    expect([...detector.take(inputs).episodes, ...detector.finish()]).toEqual([]);
  });

  it('gives up the values seen longest ago beyond its bound, and finds them again rather than nothing', () => {
    const bounded = correlated(
      '{type: new_terms, rules: [sign_in], group-by: [actor.id], timespan: 30d, condition: {field: metadata.country, remember: 2}}',
    );
    const detector = new Detector(bounded, { latenessMs: 0 });
    const names = ['NZ', 'AU', 'FR', 'NZ'];
    const { episodes } = detector.take(inputsOf(names.map((name, n) => signIn(n * hour, name))));
    const all = [...episodes, ...detector.finish()];
    expect(all.map(({ episode }) => episode.value)).toEqual(['AU', 'FR', 'NZ']);
    expect([...detector.gaveUp]).toEqual([['it', 2]]);
  });

  it('counts each value of a list', () => {
    const listed = correlated(
      '{type: new_terms, rules: [sign_in], group-by: [actor.id], timespan: 30d, condition: {field: metadata.tags}}',
    );
    const detector = new Detector(listed, { latenessMs: 0 });
    const events = [['a'], ['a', 'b', 'c']].map((tags, n) => ({
      ...signIn(n * hour, 'NZ'),
      metadata: { tags },
    }));
    const all = [...detector.take(inputsOf(events)).episodes, ...detector.finish()];
    expect(all.map(({ episode }) => episode.value)).toEqual(['b', 'c']);
  });
});

describe('event_count', () => {
  it('gives up the older half of a flood, says so, and ends when it would have', () => {
    const rules = correlated(
      '{type: event_count, rules: [sign_in], group-by: [actor.id], timespan: 1d, condition: {gte: 10}}',
    );
    const detector = new Detector(rules, { latenessMs: 1000 });
    const flood = inputsOf(Array.from({ length: 70_000 }, (_, n) => signIn(n, 'NZ')));
    const [finding] = [...detector.take(flood).episodes, ...detector.finish()];
    expect([...detector.gaveUp]).toEqual([['it', 1]]);
    expect([finding?.episode.startMs, finding?.episode.endMs]).toEqual([9, 69_990 + day]);
  });
});

describe('value_count', () => {
  it('counts all values of a list, and all tuples of several', () => {
    const peakOf = (field: string, metadata: RuleEvent): number | undefined => {
      const rules = correlated(
        `{type: value_count, rules: [sign_in], group-by: [actor.id], timespan: 1h, condition: {field: ${field}, gte: 3}}`,
      );
      const detector = new Detector(rules, { latenessMs: 0 });
      return detector.take(inputsOf([{ ...signIn(0, 'NZ'), metadata }])).episodes[0]?.episode.peak;
    };
    expect(peakOf('metadata.tags', { tags: ['a', 'b', 'a', 'c', 4, true] })).toBe(5);
    expect(peakOf('metadata.tags', { tags: ['a', 'b', 'a'] })).toBeUndefined();
    expect(peakOf('[metadata.tags, metadata.sizes]', { tags: ['a', 'b'], sizes: [1, 2] })).toBe(4);
    expect(peakOf('[metadata.tags, metadata.sizes]', { tags: ['a', 'b'] })).toBeUndefined();
  });
});

describe('silence', () => {
  const rules = correlated(
    '{type: silence, rules: [sign_in], group-by: [context.service], timespan: 1h, condition: {history: 2d}}',
  );
  const heard = (
    at: number,
    service = 'shop',
    more: RuleEvent = {},
  ): RuleEvent & { readonly at: number } => ({
    ...{ at, action: 'user.login', context: { service }, ...more },
  });

  it('is told by the clock where nothing is received any more, and ends when something is', () => {
    const detector = new Detector(rules, { latenessMs: 0 });
    detector.take(inputsOf([heard(0)]));
    expect(detector.tick(hour)).toEqual([]);
    expect(told(detector.tick(hour + 1))).toEqual([['it', 'shop', hour, Number.POSITIVE_INFINITY]]);
    expect(detector.tick(2 * hour)).toEqual([]);
    expect(told(detector.take(inputsOf([heard(3 * hour)], 1)).episodes)).toEqual([
      ['it', 'shop', hour, 3 * hour],
    ]);
  });

  it('has the same name when the next entry tells of it, as after a crash', () => {
    const byClock = new Detector(rules, { latenessMs: 0 });
    byClock.take(inputsOf([heard(0)]));
    const [first] = byClock.tick(2 * hour);
    const byEntry = new Detector(rules, { latenessMs: 0 });
    const [second] = byEntry.take(inputsOf([heard(0), heard(2 * hour, 'desk')])).episodes;
    const nameOf = (finding: EpisodeFinding | undefined): unknown => [
      finding?.episode.raisedAt,
      finding?.episode.raisedMs,
    ];
    expect(nameOf(second)).toEqual(nameOf(first));
  });

  it('goes by receipt: events that are late are heard, and do not silence', () => {
    const detector = new Detector(rules, { latenessMs: 0 });
    const inputs = inputsOf([
      ...[heard(10 * hour), heard(hour, 'shop', { receivedAt: 10.5 * hour })],
      heard(11.25 * hour, 'desk'),
    ]);
    const { episodes, late } = detector.take(inputs);
    expect([late, episodes]).toEqual([1, []]);
  });

  it('gives a group up in the end', () => {
    const detector = new Detector(rules, { latenessMs: 0 });
    detector.take(inputsOf([heard(0)]));
    const all = [...detector.tick(day), ...detector.tick(3 * day)];
    expect(told(all).at(-1)).toEqual(['it', 'shop', hour, 2 * day]);
    expect(detector.groups).toBe(0);
  });
});

describe('impossible_travel', () => {
  const rules = correlated(
    '{type: impossible_travel, rules: [sign_in], group-by: [actor.id], timespan: 1d, condition: {field: source.ip}}',
  );
  const from = (at: number, ip: string): RuleEvent & { readonly at: number } => ({
    ...{ at, action: 'user.login', actor: { id: 'u_1' }, source: { ip } },
  });
  const near = { latitude: -36.8, longitude: 174.8 };
  const far = { latitude: 48.9, longitude: 2.4 };
  const found = (places: Readonly<Record<string, object>>, hours: number): number => {
    const detector = new Detector(rules, { latenessMs: 0, locate: (address) => places[address] });
    const [a, b] = Object.keys(places);
    detector.take(inputsOf([from(0, a!), from(hours * hour, b!)]));
    return detector.finish().length;
  };

  it.each([
    ['two places far apart', { '192.0.2.1': near, '198.51.100.1': far }, 1, 1],
    ['enough time between them', { '192.0.2.1': near, '198.51.100.1': far }, 23.9, 0],
    ['addresses of one network', { '198.51.1.1': near, '198.51.2.1': far }, 1, 0],
    ['addresses of one IPv6 network', { '2001:db8:1::1': near, '2001:db8:2::1': far }, 1, 0],
    [
      'one autonomous system',
      { '192.0.2.1': { ...near, asn: 64_500 }, '198.51.100.1': { ...far, asn: 64_500 } },
      1,
      0,
    ],
    ['an anonymiser', { '192.0.2.1': near, '198.51.100.1': { ...far, isAnonymous: true } }, 1, 0],
    [
      'a place that is nearly anywhere',
      { '192.0.2.1': near, '198.51.100.1': { ...far, accuracyKm: 20_000 } },
      1,
      0,
    ],
    ['a place nobody knows', { '192.0.2.1': near, '198.51.100.1': {} }, 1, 0],
  ])('%s', (_, places, hours, expected) => {
    expect(found(places, hours)).toBe(expected);
  });

  it('is named where nobody says where addresses are, as rules over such fields are', () => {
    const loaded = load(
      `${signIns}${rule('by_country', '{sealtrail.geo.country: NZ}')}${rule('by_agent', '{sealtrail.user_agent.kind: crawler}')}title: it
name: it
correlation: {type: impossible_travel, rules: [sign_in], group-by: [actor.id], timespan: 1d, condition: {field: source.ip}}
---
title: new
name: new
correlation: {type: new_terms, rules: [sign_in], group-by: [actor.id], timespan: 30d, condition: {field: sealtrail.geo.country}}
`,
    );
    expect(withoutLocations(loaded).map(({ rule }) => rule)).toEqual(['by_country', 'it', 'new']);
  });
});

describe('risk', () => {
  const text = `${rule('one', '{action: one}', 'sealtrail: {risk: 30}\n')}${rule('two', '{action: two}', 'sealtrail: {risk: 30}\n')}${rule('fed', '{action: fed}')}title: risky
name: risky
correlation: {type: risk, group-by: [actor.id], timespan: 1d, condition: {gte: 60}}
sealtrail: {risk: 100}
---
title: counted
name: counted
correlation:
  type: event_count
  rules: [fed]
  group-by: [account]
  aliases: {account: {fed: actor.id}}
  timespan: 1h
  condition: {gte: 2}
sealtrail: {risk: 40}
`;
  const rules = new CompiledRules(load(text));
  const by = (at: number, action: string): RuleEvent & { readonly at: number } => ({
    ...{ at, action, actor: { id: 'u_1' } },
  });
  const risky = (events: readonly (RuleEvent & { readonly at: number })[]): unknown[] => {
    const detector = new Detector(rules, { latenessMs: 0 });
    const all = [...detector.take(inputsOf(events)).episodes, ...detector.finish()];
    const episodes = all.flatMap(({ rule: { key }, episode }) => (key === 'risky' ? [episode] : []));
    return [...new Set(episodes)].map(({ peak }) => peak);
  };

  it('adds findings of rules, and of correlations under what their aliases stand for', () => {
    expect(risky([by(0, 'one'), by(1, 'two')])).toEqual([60]);
    expect(risky([by(0, 'one'), by(1, 'fed'), by(2, 'fed'), by(3, 'fed')])).toEqual([70]);
    expect(risky([by(0, 'one'), by(1, 'fed')])).toEqual([]);
    expect(risky([by(0, 'one'), by(day, 'two')])).toEqual([]);
  });

  it('counts one finding once, however many views show it', () => {
    const detector = new Detector(rules, { latenessMs: 0 });
    const [input] = inputsOf([by(0, 'one')]);
    const twice = { ...input!, views: [input!.views[0]!, input!.views[0]!] };
    expect([...detector.take([twice]).episodes, ...detector.finish()]).toEqual([]);
  });
});

describe('fields that are derived', () => {
  const matchesOf = (selection: string, event: RuleEvent): number => {
    const rules = new CompiledRules(load(rule('it', selection).replace('---\n', '')));
    const locate = (address: string) =>
      address === '192.0.2.1' ? { country: 'NZ', asn: 64_500, isAnonymous: true } : undefined;
    const detector = new Detector(rules, { latenessMs: 0, locate });
    return detector.take(inputsOf([{ at: 0, ...event }])).matches.length;
  };

  it.each([
    ['{sealtrail.user_agent.kind: attack_tool}', { source: { userAgent: 'sqlmap/1.8' } }, 1],
    ['{sealtrail.user_agent.kind: attack_tool}', { 'cs-user-agent': 'sqlmap/1.8' }, 1],
    [
      '{sealtrail.user_agent.name: sqlmap, action: a}',
      { action: 'a', source: { userAgent: 'SQLMap/1.8' } },
      1,
    ],
    ['{sealtrail.user_agent.kind: empty}', { 'cs-user-agent': '-' }, 1],
    ['{sealtrail.user_agent.kind|exists: false}', { action: 'a' }, 1],
    ['{sealtrail.geo.country: NZ}', { source: { ip: '192.0.2.1' } }, 1],
    ['{sealtrail.geo.asn|gte: 64500}', { 'c-ip': '192.0.2.1' }, 1],
    ['{sealtrail.geo.is_anonymous: true}', { source: { ip: '192.0.2.1' } }, 1],
    ['{sealtrail.geo.country: NZ}', { source: { ip: '192.0.2.2' } }, 0],
  ])('%s', (selection, event, expected) => {
    expect(matchesOf(selection, event)).toBe(expected);
  });

  it('cannot be given by events', () => {
    const forged = { 'sealtrail.geo.country': 'NZ', sealtrail: { geo: { country: 'NZ' } } };
    expect(matchesOf('{sealtrail.geo.country: NZ}', forged)).toBe(0);
  });
});

describe('learner', () => {
  const text = `${signIns}title: new
name: new
correlation: {type: new_terms, rules: [sign_in], group-by: [actor.id], timespan: 30d, condition: {field: metadata.country}}
---
title: other
name: other
correlation: {type: event_count, rules: [sign_in], group-by: [actor.id], timespan: 1d, condition: {gte: 3}}
`;
  const events = ['NZ', 'NZ', 'AU', 'NZ', 'FR', 'AU'].map((name, n) => signIn(n * hour, name));

  it('teaches new correlations the past without a finding, and leaves the others as they are', () => {
    const rules = new CompiledRules(load(text));
    const options = { latenessMs: 0 };
    const all = new Detector(rules, options);
    all.take(inputsOf(events.slice(0, 4)));
    const kept = new KeptState();
    kept.keep(all.takeChanges());
    const { watermarkMs, waiting, correlators } = kept.saved();
    const others = new Map([...correlators].filter(([key]) => key === 'other'));

    const late = new Detector(rules, options);
    late.load({ watermarkMs, waiting, correlators: others });
    const learner = late.learner(new Set(['new']));
    learner.take(inputsOf(events.slice(0, 2)));
    learner.take(inputsOf(events.slice(2, 4), 2));
    learner.finish();

    const rest = inputsOf(events.slice(4), 4);
    const saidBy = (detector: Detector): unknown[] =>
      told([...detector.take(rest).episodes, ...detector.finish()]);
    const keptAll = new KeptState();
    keptAll.keep(late.takeChanges());
    expect([...keptAll.saved().correlators.keys()].sort()).toEqual(['new', 'other']);
    expect(saidBy(late)).toEqual(saidBy(all));
  });
});

describe('documents of these kinds', () => {
  const faultsOf = (body: string): { line: number; message: string }[] =>
    loadRules([
      { name: 'test.yml', text: `${signIns}title: it\nname: it\ncorrelation:\n${body}` },
    ]).faults.map(({ line, message }) => ({ line, message }));
  const common = '  rules: [sign_in]\n  group-by: [actor.id]\n  timespan: 1h\n';

  it.each([
    [
      'a key that there is none of',
      `  type: new_terms\n${common}  condition:\n    field: a\n    speed: 3\n`,
      17,
    ],
    ['no field', `  type: new_terms\n${common}  condition: {known: 2}\n`, 15],
    [
      'more known than remembered',
      `  type: new_terms\n${common}  condition: {field: a, known: 9, remember: 3}\n`,
      15,
    ],
    [
      'a history shorter than what is learnt',
      `  type: new_terms\n${common}  condition: {field: a, learn: 2h}\n`,
      15,
    ],
    [
      'what comes again beside what is known',
      `  type: new_terms\n${common}  condition: {field: a, again: 2h, known: 2}\n`,
      15,
    ],
    [
      'what comes again before it was gone',
      `  type: new_terms\n${common}  condition: {field: a, again: 1h}\n`,
      15,
    ],
    ['no least count of a rate', `  type: rate\n${common}  condition: {factor: 3}\n`, 15],
    ['a factor below one', `  type: rate\n${common}  condition: {gte: 3, factor: 0.5}\n`, 15],
    [
      'too long a history of windows',
      `  type: rate\n${common}  condition: {gte: 3, factor: 2, history: 2000h}\n`,
      15,
    ],
    ['a text for a condition', `  type: silence\n${common}  condition: sign_in\n`, 15],
    ['a history shorter than the silence', `  type: silence\n${common}  condition: {history: 1h}\n`, 15],
    ['two fields of numbers', `  type: sequence_gap\n${common}  condition: {field: [a, b]}\n`, 15],
    [
      'a speed that is no number',
      `  type: impossible_travel\n${common}  condition: {field: a, speed: fast}\n`,
      15,
    ],
    ['rules of risk', `  type: risk\n${common}  condition: {gte: 3}\n`, 12],
    ['risk of nobody', '  type: risk\n  timespan: 1h\n  condition: {gte: 3}\n', 11],
    ['risk without a threshold', '  type: risk\n  group-by: [actor.id]\n  timespan: 1h\n', 11],
    [
      'a derived field that there is none of',
      `  type: new_terms\n${common}  condition: {field: sealtrail.mood}\n`,
      8,
    ],
  ])('%s is a fault with its line', (_, body, line) => {
    const [fault, ...others] = faultsOf(body);
    expect([fault?.line, others]).toEqual([line, []]);
  });

  it.each([
    ['type: new_terms', 'field: actor.id, again: 40d', 'forgotten'],
    ['type: new_terms', 'field: actor.id', undefined],
    ['type: value_percentile', 'field: action, lte: 1', 'rare'],
  ])('%s with %s is hinted at (%s)', (type, condition, word) => {
    const text = `${signIns}title: it\nname: it\ncorrelation: {${type}, rules: [sign_in], group-by: [source.ip], timespan: 30d, condition: {${condition}}}\n`;
    const hints = lintRules(load(text)).flatMap(({ rule: key, message }) => (key === 'it' ? message : []));
    const kept = hints.filter((message) => !/^there is no (?:id|level|description)/.test(message));
    expect(kept.map((message) => word !== undefined && message.includes(word))).toEqual(
      word === undefined ? [] : [true],
    );
  });

  it.each([
    ['event_count', 'silence'],
    ['silence', 'event_count'],
  ])('%s over %s is a fault, since their times are not the same', (outer, inner) => {
    const of = (name: string, type: string, over: string): string =>
      `title: ${name}\nname: ${name}\ncorrelation: {type: ${type}, rules: [${over}], group-by: [actor.id], timespan: 1h${type === 'silence' ? '' : ', condition: {gte: 2}'}}\n`;
    const text = `${signIns}${of('inner', inner, 'sign_in')}---\n${of('outer', outer, 'inner')}`;
    const { faults, correlations } = loadRules([{ name: 'test.yml', text }]);
    expect(correlations.map(({ key }) => key)).toEqual(['inner']);
    expect(faults).toHaveLength(1);
  });

  it('says so of an event with more groups than one may have, of which the first count', () => {
    const rules = correlated(
      '{type: event_count, rules: [sign_in], group-by: [metadata.tags], timespan: 1d, condition: {gte: 1}}',
    );
    const detector = new Detector(rules, { latenessMs: 0 });
    const tags = Array.from({ length: 20 }, (_, n) => `t${n}`);
    const { episodes } = detector.take(inputsOf([{ ...signIn(0, 'NZ'), metadata: { tags } }]));
    const told = [...episodes, ...detector.finish()];
    expect(new Set(told.map(({ group }) => group.values[0])).size).toBe(16);
    expect([...detector.gaveUp]).toEqual([['it', 1]]);
  });
});
