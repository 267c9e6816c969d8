import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { openSealtrail, verifyFolder } from '../packages/server/dist/index.js';

const run = promisify(execFile);
const bin = fileURLToPath(new URL('../packages/server/bin/sealtrail.mjs', import.meta.url));

describe('the demo', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-demo-test-'));
  const data = path.join(dir, 'data');
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('runs a shop whose traffic, the attack included, can be found and verified afterwards', async () => {
    const { stdout } = await run(process.execPath, [
      bin,
      'demo',
      '--data',
      data,
      '--port',
      '0',
      '--rounds',
      '1',
    ]);
    expect(stdout).toContain('ATTACK');
    expect((await verifyFolder(data)).code).toBe('intact');

    await using log = await openSealtrail({ dir: data });
    const last = log.trails().find(({ name }) => name === 'main')!.size - 1;
    const guesses = await log.query({
      q: 'action:user.login outcome:failure ip:203.0.113.0/24',
      after: last,
      limit: 100,
    });
    const attackers = new Set(guesses.events.map(({ entry }) => entry.source?.ip));
    expect(guesses.events.length).toBeGreaterThan(5);
    expect(attackers.size).toBe(1);
    const [attacker] = attackers;
    for (const action of ['user.login', 'role.change', 'export.download']) {
      const { events } = await log.query({ q: `action:${action} outcome:success ip:${attacker}` });
      expect({ action, found: events.length > 0 }).toEqual({ action, found: true });
    }
    const captured = await log.query({ q: 'category:api_activity ip:203.0.113.0/24' });
    expect(captured.events.some(({ entry }) => entry.context?.http?.route === '/session')).toBe(true);
  });
});
