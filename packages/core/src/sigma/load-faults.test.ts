import { describe, expect, it } from 'vitest';
import { lintRules } from './lint.ts';
import { type LoadedRules, loadRules } from './load.ts';

const rule = (name: string, more = ''): string => `title: ${name}
name: ${name}
logsource: {product: sealtrail, category: authentication}
detection:
  s: {action: ${name}}
  condition: s
level: low
description: d
id: 019370a2-7c1e-4b3a-9f5e-${Buffer.from(name.padEnd(6)).toString('hex')}
${more}---
`;
const correlation = (type: string, body: string, name = 'many'): string => `title: ${name}
name: ${name}
level: low
description: d
id: 019370a2-7c1e-4b3a-8f5e-${Buffer.from(name.slice(0, 6).padEnd(6)).toString('hex')}
correlation:
  type: ${type}
  timespan: 5m
${body}---
`;
const filter = (rules: string, condition: string, logsource = '{product: sealtrail}'): string => `title: f
logsource: ${logsource}
filter:
  rules: ${rules}
  admin: {actor.id: admin}
  condition: ${condition}
`;

const load = (text: string): LoadedRules => loadRules([{ name: 'x.yml', text: text.replace(/---\n$/, '') }]);
/** Faults with the text of their line, so that the place is what is meant. */
const faultsOf = (text: string): string[] =>
  load(text).faults.map(({ line }) => text.split('\n')[line - 1]!.trim());
const hintsOf = (text: string): string[] => {
  const loaded = load(text);
  expect(loaded.faults).toEqual([]);
  return lintRules(loaded).map(({ message }) => message);
};

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

describe('lintRules hints at', () => {
  const counted = (body: string): string =>
    `${rule('a')}${rule('b')}${correlation('value_count', `  rules: [a, b]\n${body}`)}`;
  const grouped = '  group-by: [actor.id]\n';
  it.each([
    ['a range', counted(`${grouped}  condition: {field: action, gte: 3, lte: 9}\n`), ['does not slide']],
    ['eq', counted(`${grouped}  condition: {field: action, eq: 3}\n`), ['does not slide']],
    [
      'eq with a fraction',
      counted(`${grouped}  condition: {field: action, eq: 2.5}\n`),
      ['does not slide', 'never met'],
    ],
    [
      'a threshold that all meet',
      counted(`${grouped}  condition: {field: action, gte: 0}\n`),
      ['whatever is measured'],
    ],
    [
      'an unused alias',
      counted(`${grouped}  aliases: {x: {a: action}}\n  condition: {field: action, gte: 3}\n`),
      ['uses the alias x'],
    ],
    [
      'an alias that lacks a rule',
      counted('  group-by: [x]\n  aliases: {x: {a: action}}\n  condition: {field: action, gte: 3}\n'),
      ['nothing of the rule b', 'no field x'],
    ],
    [
      'unknown fields of a correlation',
      counted('  group-by: [actr.id]\n  condition: {field: source.port.x, gte: 3}\n'),
      ['no field actr.id', 'no field source.port.x'],
    ],
    [
      'known fields of a correlation not',
      counted(
        '  group-by: [sealtrail.geo.country, targets.id]\n  condition: {field: metadata.a.b, gte: 3}\n',
      ),
      [],
    ],
    [
      'unknown fields of a rule',
      rule('a', 'sealtrail: {group-by: [actor.di]}\n').replace(
        '{action: a}',
        '{acton: a, changes.after.x: 1, "actor.id|fieldref": target.id}',
      ),
      ['no field acton', 'no field target.id', 'no field actor.di'],
    ],
    [
      'fields of other products not',
      rule('a').replace('product: sealtrail', 'product: aws').replace('action', 'acton'),
      [],
    ],
    [
      'an unused search identifier',
      rule('a').replace('  condition', '  t: {action: b}\n  condition'),
      ['search identifier t'],
    ],
    [
      'unknown names in inhibits',
      rule('a', 'sealtrail: {inhibits: [nobody, a]}\n'),
      ['inhibits names nobody'],
    ],
    ['a filter without not', `${rule('a')}${filter('any', 'admin')}`, ['has no not']],
    [
      'a filter with neq not',
      `${rule('a')}${filter('any', 'admin').replace('actor.id:', 'actor.id|neq:')}`,
      [],
    ],
    [
      'a filter for no rule',
      `${rule('a')}${filter('any', 'not admin', '{product: aws}')}`,
      ['no rule of its logsource'],
    ],
    [
      'a rule that is counted once',
      `${rule('a')}${correlation('event_count', `  rules: [a, a]\n${grouped}  condition: {gte: 2}\n`)}`,
      ['counts once'],
    ],
    [
      'steps that are one rule',
      `${rule('a')}${correlation('temporal_ordered', `  rules: [a, a]\n${grouped}`)}`,
      ['as often'],
    ],
    [
      'a condition that always holds',
      `${rule('a')}${rule('b')}${correlation('temporal', `  rules: [a, b]\n${grouped}  condition: a or not a or b\n`)}`,
      ['always holds'],
    ],
    [
      'a condition that holds for nothing',
      `${rule('a')}${rule('b')}${correlation('temporal', `  rules: [a, b]\n${grouped}  condition: b or not a\n`)}`,
      ['none of its rules'],
    ],
  ])('%s', (_name, text, hints) => {
    expect(hintsOf(text)).toEqual(hints.map((hint) => expect.stringContaining(hint)));
  });
});

it('bounds what the patterns of a condition name', () => {
  const identifiers = Array.from({ length: 100 }, (_, i) => `  k${i}: {a: b}\n`).join('');
  const condition = Array.from({ length: 300 }, () => '1 of k*').join(' or ');
  expect(
    faultsOf(`title: x\nlogsource: {product: aws}\ndetection:\n${identifiers}  condition: ${condition}\n`),
  ).toEqual([`condition: ${condition}`]);
});
