import { type LoadedRules, loadRules } from '../load.ts';

// Rules as YAML, each ready for another one behind it.

export const rule = (name: string, more = ''): string => `title: ${name}
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
export const correlation = (type: string, body: string, name = 'many'): string => `title: ${name}
name: ${name}
level: low
description: d
id: 019370a2-7c1e-4b3a-8f5e-${Buffer.from(name.slice(0, 6).padEnd(6)).toString('hex')}
correlation:
  type: ${type}
  timespan: 5m
${body}---
`;
export const filter = (
  rules: string,
  condition: string,
  logsource = '{product: sealtrail}',
): string => `title: f
logsource: ${logsource}
filter:
  rules: ${rules}
  admin: {actor.id: admin}
  condition: ${condition}
`;

export const load = (text: string): LoadedRules =>
  loadRules([{ name: 'x.yml', text: text.replace(/---\n$/, '') }]);
