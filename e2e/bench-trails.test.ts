import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const script = path.join(import.meta.dirname, '../bench/trails.ts');

it.each([300, 3])('the measurement of many trails takes any number of them: %i', async (count) => {
  const { stdout } = await promisify(execFile)(process.execPath, [script, String(count)]);
  expect(stdout.trimEnd().split('\n')).toHaveLength(6);
  expect(stdout).toContain('own policy: intact');
});
