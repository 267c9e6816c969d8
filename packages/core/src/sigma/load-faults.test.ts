import { describe, expect, it } from 'vitest';
import { correlation, filter, load, rule } from './testing/rule-texts.ts';

/** Faults with the text of their line, so that the place is what is meant. */
const faultsOf = (text: string): string[] =>
  load(text).faults.map(({ line }) => text.split('\n')[line - 1]!.trim());
const inner = `${rule('a')}${rule('b')}${correlation(
  'event_count',
  '  rules: [a, b]\n  group-by: [source.ip, who]\n  aliases: {who: {a: actor.id, b: actor.email}}\n  condition: {gte: 3}\n',
  'inner',
)}`;

describe('a correlation over a correlation', () => {
  it.each([
    [
      'groups by what it does not give',
      '  rules: [inner]\n  group-by:\n    - who\n    - actor.id\n  condition: {gte: 2}\n',
      ['- actor.id'],
    ],
    [
      'measures what it does not give',
      '  rules: [inner]\n  group-by: [who]\n  condition:\n    gte: 2\n    field: action\n',
      ['field: action'],
    ],
    [
      'groups by an alias of what it does not give',
      '  rules: [inner]\n  aliases: {x: {inner: action}}\n  group-by: [x]\n  condition: {gte: 2, field: who}\n',
      ['group-by: [x]'],
    ],
    [
      'groups by a field that follows from none it gives',
      '  rules: [inner]\n  group-by: [sealtrail.user_agent.kind]\n  condition: {gte: 2, field: who}\n',
      ['group-by: [sealtrail.user_agent.kind]'],
    ],
    [
      'groups by what it gives',
      '  rules: [inner]\n  group-by: [source.ip]\n  condition: {gte: 2, field: who}\n',
      [],
    ],
    [
      'groups by an alias of what it gives',
      '  rules: [inner, a]\n  aliases: {x: {inner: who, a: actor.id}}\n  group-by: [x]\n  condition: {gte: 2, field: source.ip}\n',
      [],
    ],
    [
      'groups by a field that follows from one it gives',
      '  rules: [inner]\n  group-by: [sealtrail.geo.country]\n  condition: {gte: 2, field: who}\n',
      [],
    ],
  ])('that %s', (_name, body, faults) => {
    const type = body.includes('field:') ? 'value_count' : 'event_count';
    expect(faultsOf(`${inner}${correlation(type, body, 'outer')}`)).toEqual(faults);
  });

  it('may be one of very many', () => {
    const chain = Array.from({ length: 3000 }, (_, i) =>
      correlation(
        'event_count',
        `  rules: [${i < 2999 ? `c${i + 1}` : 'a'}]\n  condition: {gte: 1}\n`,
        `c${i}`,
      ).replace(/id: .*\n/, ''),
    );
    const loaded = load(`${rule('a')}${chain.join('')}`);
    expect(loaded.faults).toEqual([]);
    expect(loaded.correlations.map(({ document }) => document.header.name)).toEqual(
      Array.from({ length: 3000 }, (_, i) => `c${2999 - i}`),
    );
  });
});

describe('a condition that never holds is refused', () => {
  it.each([
    ['event_count', '{gte: 5, lte: 2}'],
    ['event_count', '{lt: 1}'],
    ['event_count', '{gt: 2, lt: 3}'],
    ['event_count', '{eq: 3, neq: 3}'],
    ['event_count', '{gte: .nan}'],
    ['event_count', '{lt: .inf}'],
    ['value_count', '{field: action, lte: 0}'],
    ['temporal', '{gte: 3}'],
    ['temporal', 'a and not a and b'],
    ['temporal', 'not a and not b'],
    ['value_sum', '{field: metadata.n, gt: 2, lte: 2}'],
    ['value_percentile', '{field: action, gt: 100}'],
    ['value_percentile', '{field: action, lte: 0}'],
  ])('%s %s', (type, condition) => {
    const line = `condition: ${condition}`;
    const text = `${rule('a')}${rule('b')}${correlation(type, `  rules: [a, b]\n  ${line}\n`)}`;
    expect(faultsOf(text)).toEqual([line]);
  });

  it.each([
    ['event_count', '{gt: 2, lte: 3}'],
    ['value_count', '{field: action, lt: 2}'],
    ['temporal', '{gte: 2}'],
    ['temporal', 'a and not b'],
    ['value_sum', '{field: metadata.n, gt: -2, lt: -1}'],
    ['value_percentile', '{field: action, lt: 1}'],
  ])('and %s %s is not', (type, condition) => {
    const text = `${rule('a')}${rule('b')}${correlation(type, `  rules: [a, b]\n  condition: ${condition}\n`)}`;
    expect(faultsOf(text)).toEqual([]);
  });

  it('in a rule over single events, and in a filter', () => {
    expect(faultsOf(rule('a').replace('condition: s', 'condition: s and not s'))).toEqual([
      'condition: s and not s',
    ]);
    expect(faultsOf(`${rule('a')}${filter('[a]', 'admin and not admin')}`)).toEqual([
      'condition: admin and not admin',
    ]);
  });
});

it('refuses temporal over the same rule twice, by whatever it is called', () => {
  const id = /id: (.*)/.exec(rule('a'))![1]!;
  for (const rules of ['[a, a]', `[a, ${id}]`])
    expect(faultsOf(`${rule('a')}${correlation('temporal', `  rules: ${rules}\n`)}`)).toEqual([
      `rules: ${rules}`,
    ]);
});

describe('a filter', () => {
  const count = correlation('event_count', '  rules: [a]\n  condition: {gte: 2}\n');
  it.each([
    ['for a correlation', `${rule('a')}${count}${filter('[many]', 'not admin')}`, ['rules: [many]']],
    [
      'of another source than its rule',
      `${rule('a')}${filter('[a]', 'not admin', '{product: aws}')}`,
      ['rules: [a]'],
    ],
    ['for no rules', `${rule('a')}${filter('[]', 'not admin')}`, ['rules: []']],
    ['of the source of its rule', `${rule('a')}${filter('[a]', 'not admin')}`, []],
  ])('%s', (_name, text, faults) => {
    expect(faultsOf(text)).toEqual(faults);
  });
});

it('bounds what the patterns of a condition name', () => {
  const identifiers = Array.from({ length: 100 }, (_, i) => `  k${i}: {a: b}\n`).join('');
  const condition = Array.from({ length: 300 }, () => '1 of k*').join(' or ');
  expect(
    faultsOf(`title: x\nlogsource: {product: aws}\ndetection:\n${identifiers}  condition: ${condition}\n`),
  ).toEqual([`condition: ${condition}`]);
});
