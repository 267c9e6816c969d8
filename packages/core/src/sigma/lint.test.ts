import { describe, expect, it } from 'vitest';
import { lintRules } from './lint.ts';
import { correlation, filter, load, rule } from './testing/rule-texts.ts';

const hintsOf = (text: string): string[] => {
  const loaded = load(text);
  expect(loaded.faults).toEqual([]);
  return lintRules(loaded).map(({ message }) => message);
};

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
