import { parseRuleFile } from '@sealtrail/core/sigma';
import { expect, it } from 'vitest';
import { refusedOf } from './refused-rules.ts';

const file = (inhibits: string): string => `
title: One
name: one
id: 9d1f9a4e-2c1b-4c62-9d54-7a1e6a0f3c11
logsource: {product: sealtrail}
detection: {selection: {action: sample.one}, condition: selection}
---
title: Two
name: two
logsource: {product: sealtrail}
detection: {selection: {action: sample.two}, condition: selection}
sealtrail:
  inhibits: ${inhibits}
`;

it.each(['[one]', '[9d1f9a4e-2c1b-4c62-9d54-7a1e6a0f3c11, one]', '[two]', '[]'])(
  'lets rules of the same file be inhibited: %s',
  (inhibits) => {
    expect(refusedOf(parseRuleFile(file(inhibits)))).toEqual([]);
  },
);

it.each(['[sign_in_brute_force_account]', '[one, 630cd73e-511c-441f-b7c1-f43b42212d44]', '[One]'])(
  'refuses to inhibit others, and says where: %s',
  (inhibits) => {
    expect(refusedOf(parseRuleFile(file(inhibits)))).toEqual([
      { line: 8, column: 1, message: expect.stringContaining('inhibits') as string },
    ]);
  },
);
