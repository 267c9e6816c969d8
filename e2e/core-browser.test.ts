import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

it('core runs where there is no Node: events, tree, proofs, checkpoints, verification, queries', () => {
  const output = execFileSync(
    process.execPath,
    [
      '--no-warnings',
      '--experimental-vm-modules',
      fileOf('support/browser-like.ts'),
      new URL('support/core-in-browser.mjs', import.meta.url).href,
    ],
    { encoding: 'utf8' },
  );
  const { entry, ...seen } = JSON.parse(output);
  expect(JSON.parse(entry)).toEqual({
    action: 'user.login',
    actor: { id: 'u_1', type: 'user' },
    id: '019c1159-7000-7000-8000-000000000000',
    metadata: { a: [2.5, { password: '[redacted:key]' }], b: 1 },
    reason: 'Łódź é',
    receivedAt: '2026-01-31T00:00:00.000Z',
    schemaVersion: 1,
    source: { ip: '2001:db8::1' },
    time: '2026-01-31T00:00:00.000Z',
    trail: 'main',
  });
  expect(seen).toEqual({
    globals: [],
    isCanonical: true,
    refused: 'duplicate_key',
    rootsAgree: true,
    bundle: 256,
    tile: { kind: 'hash', level: 0, n: 1, width: 44 },
    consistent: 'ok',
    opened: 300,
    verdict: 'intact',
    forgedVerdict: 'modified',
    matches: true,
    cursor: 77,
    contract: true,
  });
});
