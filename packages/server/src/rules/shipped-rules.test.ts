import { cp, rm, writeFile } from 'node:fs/promises';
import { parseRuleFile } from '@sealtrail/core/sigma';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../sequencer/testing/temporary-folder.ts';
import { readShippedRules, shippedRulesFolder } from './shipped-rules.ts';

it('what the build says of rules is what their texts say', async () => {
  const sources = await readShippedRules(shippedRulesFolder());
  expect(sources.length).toBeGreaterThan(20);
  for (const { text, parsed } of sources) expect(parsed).toEqual(parseRuleFile(text));
});

it('texts are read where it is gone, or says something of other texts', async () => {
  using folder = temporaryFolder();
  await cp(shippedRulesFolder(), folder.dir, { recursive: true });
  const [first, ...others] = await readShippedRules(folder.dir);
  const changed = first!.text.replace(/^title: .*$/m, 'title: Another one');
  await writeFile(`${folder.dir}/${first!.name}`, changed);
  expect((await readShippedRules(folder.dir))[0]!.parsed).toEqual(parseRuleFile(changed));
  await rm(`${folder.dir}/parsed.bin`);
  const again = await readShippedRules(folder.dir);
  expect(again.slice(1)).toEqual(others);
});
