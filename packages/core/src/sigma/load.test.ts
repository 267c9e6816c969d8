import { describe, expect, it } from 'vitest';
import { type LoadedRules, loadRules } from './load.ts';
import { RuleSet } from './rule-set.ts';

const rule = (name: string, detection: string, more = ''): string =>
  `title: ${name}\nname: ${name}\nlogsource: {product: aws, service: cloudtrail}\ndetection: ${detection}\n${more}`;
const correlation = (name: string, rules: string): string =>
  `title: ${name}\nname: ${name}\ncorrelation: {type: event_count, rules: ${rules}, group-by: [user], timespan: 5m, condition: {gte: 3}}\n`;
const filter = (rules: string, condition: string, logsource = '{product: aws}'): string =>
  `title: filter ${rules}\nlogsource: ${logsource}\nfilter: {rules: ${rules}, admin: {user: admin}, condition: ${condition}}\n`;

const load = (...texts: readonly string[]): LoadedRules =>
  loadRules(texts.map((text, i) => ({ name: `${i}.yml`, text })));
const faultsOf = ({ faults }: LoadedRules): unknown[] =>
  faults.map(({ file, line, message }) => `${file}:${line} ${message}`);

const login = rule('login', '{selection: {action: login}, condition: selection}');

describe('loadRules', () => {
  it('reads several documents of a file, and rules of several files that refer to each other', () => {
    const loaded = load(`${correlation('many', '[login]')}---\n${correlation('nested', '[many]')}`, login);
    expect(faultsOf(loaded)).toEqual([]);
    expect(loaded.rules.map(({ key }) => key)).toEqual(['login']);
    expect(loaded.correlations.map(({ key, rules }) => [key, rules])).toEqual([
      ['many', ['login']],
      ['nested', ['many']],
    ]);
  });

  it('puts correlations behind those that they are over, however the files are ordered', () => {
    const { correlations } = load(
      correlation('c', '[b]'),
      correlation('b', '[a]'),
      correlation('a', '[login]'),
      login,
    );
    expect(correlations.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  });

  it.each([
    ['a key that stands twice', 'title: x\ntitle: y\n', '0.yml:2'],
    ['no kind of document', 'title: x\n', '0.yml:1'],
    ['an unknown modifier', rule('x', '\n  s:\n    a|near: 1\n  condition: s'), '0.yml:6'],
    ['an unknown search identifier', rule('x', '\n  s: {a: 1}\n  condition: t'), '0.yml:6'],
    [
      'an expression that needs backtracking',
      rule('x', '\n  s:\n    a|re: (?=b)\n  condition: s'),
      '0.yml:6',
    ],
    ['a placeholder without values', rule('x', '{s: {"a|expand": "%b%"}, condition: s}'), '0.yml:1'],
    ['a level there is none of', rule('x', '{s: {a: 1}, condition: s}', 'level: severe\n'), '0.yml:5'],
    ['a correlation over an unknown rule', correlation('x', '[nobody]'), '0.yml:3'],
    ['a correlation over itself', correlation('x', '[x]'), '0.yml:3'],
    ['a filter for an unknown rule', filter('[nobody]', 'not admin'), '0.yml:3'],
  ])('refuses %s with its line, and runs the rest', (_name, text, place) => {
    const loaded = load(text, login);
    expect(faultsOf(loaded)).toEqual([expect.stringContaining(place)]);
    expect(loaded.rules.map(({ key }) => key)).toEqual(['login']);
    expect(loaded.correlations).toEqual([]);
  });

  it('leaves out what needs a rule that cannot run', () => {
    const broken = rule('broken', '{s: {"a|expand": "%b%"}, condition: s}');
    const loaded = load(broken, correlation('over', '[broken]'), correlation('above', '[over]'));
    expect(loaded.correlations).toEqual([]);
    expect(faultsOf(loaded)).toHaveLength(3);
  });

  it('takes a rule once, and a name for one rule', () => {
    expect(faultsOf(load(login, login))).toEqual([expect.stringContaining('1.yml:1')]);
    const twin = login.replace('title: login', 'title: twin\nid: 019370a2-7c1e-4b3a-9f5e-2c8d4a6b1e0f');
    expect(faultsOf(load(login, twin, correlation('many', '[login]')))).toEqual([
      expect.stringContaining('2.yml'),
    ]);
  });

  it.each([
    ['of its source', filter('any', 'not admin'), ['bob']],
    ['that it names', filter('[login]', 'not admin'), ['bob']],
    ['and none of another source', filter('any', 'not admin', '{product: okta}'), ['admin', 'bob']],
    ['as it is written', filter('any', 'admin'), ['admin']],
  ])('applies a filter to rules %s', (_name, text, expected) => {
    const { rules, faults } = load(login, text);
    expect(faults).toEqual([]);
    const set = new RuleSet(
      rules.map(({ document, detection }) => ({ logsource: document.logsource, detection })),
    );
    const found = ['admin', 'bob'].filter((user) => set.matches({ action: 'login', user }, {}).length > 0);
    expect(found).toEqual(expected);
  });
});
