import { loadRules } from '@sealtrail/core/sigma';
import { expect, it } from 'vitest';
import { inhibitorsOf } from './rule-relations.ts';

const rule = (name: string, key: string, inhibits: string): string => `
title: Rule ${key}
name: ${name}
id: 9d1f9a4e-2c1b-4c62-9d54-00000000000${key}
logsource: {product: sealtrail}
detection: {selection: {action: sample.${name}}, condition: selection}
sealtrail: {inhibits: ${inhibits}}
`;
const keyOf = (key: string): string => `9d1f9a4e-2c1b-4c62-9d54-00000000000${key}`;
const inhibitors = (files: Readonly<Record<string, string>>): unknown => {
  const loaded = loadRules(Object.entries(files).map(([name, text]) => ({ name, text })));
  expect(loaded.faults).toEqual([]);
  return Object.fromEntries(inhibitorsOf(loaded, (file) => file.endsWith('.yml')));
};

it('lets rules that are built in stand for others that are, in any file', () => {
  expect(inhibitors({ 'a.yml': rule('a', '1', '[b]'), 'b.yml': rule('b', '2', `[${keyOf('1')}]`) })).toEqual({
    [keyOf('2')]: [keyOf('1')],
    [keyOf('1')]: [keyOf('2')],
  });
});

it('lets rules that are added stand for those of their own file alone', () => {
  const added = [rule('c', '3', `[a, d, ${keyOf('1')}, e]`), rule('d', '4', '[]')].join('---');
  expect(
    inhibitors({ 'a.yml': rule('a', '1', '[]'), rul_1: added, rul_2: rule('e', '5', `[${keyOf('5')}]`) }),
  ).toEqual({ [keyOf('4')]: [keyOf('3')], [keyOf('5')]: [keyOf('5')] });
});

it('takes no rule that is added for one that is built in, as they have a name in common', () => {
  expect(
    inhibitors({
      'a.yml': rule('a', '1', '[b]'),
      'b.yml': rule('b', '2', '[]'),
      rul_1: rule('b', '3', '[]'),
    }),
  ).toEqual({ [keyOf('2')]: [keyOf('1')] });
});
