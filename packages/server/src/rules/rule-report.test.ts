import { expect, it } from 'vitest';
import { ruleReport } from './rule-report.ts';

const rule = (name: string, id: string, more = ''): string => `title: ${name}
name: ${name}
id: ${id}
level: low
description: d
logsource: {product: sealtrail}
detection:
  s: {action: ${name}}
  condition: s
${more}`;
const filter = (title: string, name: string, product = 'sealtrail'): string => `title: ${title}
logsource: {product: ${product}}
filter: {rules: [${name}], s: {actor.id: a}, condition: s}
`;
const known = [
  {
    name: 'known.yml',
    text: rule('known', '019370a2-7c1e-4b3a-9f5e-2c8d4a6b1e0f', 'sealtrail: {inhibits: [nobody]}\n'),
  },
  { name: 'filter.yml', text: filter('other', 'known') },
];
const added = rule('added', '019370a2-7c1e-4b3a-9f5e-2c8d4a6b1e10');

it('hints at what the given file has, filters included, and at nothing of others', () => {
  expect(ruleReport(known, `${added}---\n${filter('own', 'added')}`).hints).toEqual([
    { rule: 'own', message: expect.stringContaining('no not') },
  ]);
});

it('has a fault in its line where a filter has no effect on its rule', () => {
  const { faults } = ruleReport(known, `${added}---\n${filter('own', 'added', 'aws')}`);
  expect(faults).toEqual([expect.objectContaining({ line: 13 })]);
});
