import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { StoredEntry, Token } from '@sealtrail/core';
import { expect, it } from 'vitest';
import { run, startServing } from './support/command-line.ts';

it('the first admin token is made and shown by the first start that listens', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-first-token-'));
  const environment = { SEALTRAIL_ADMIN_TOKEN: undefined };
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const taken = String((other.address() as AddressInfo).port);
  try {
    for (let i = 0; i < 2; i++) {
      const failed = await run(['serve', '--data', dir, '--port', taken], { environment });
      expect(failed.code).toBe(1);
      expect(failed.stderr).toContain('address_unavailable');
      expect(failed.stdout).toBe('');
    }

    const { command, url } = await startServing(['--data', dir, '--port', '0'], { environment });
    await using _server = command;
    const [secret] = await command.stdoutMatch(/stk_\w+/);
    const get = async <T>(route: string): Promise<T> => {
      const answer = await fetch(`${url}${route}`, { headers: { authorization: `Bearer ${secret}` } });
      expect(answer.status).toBe(200);
      return (await answer.json()) as T;
    };
    const { tokens } = await get<{ tokens: Token[] }>('/v1/tokens');
    expect(tokens).toHaveLength(1);
    // Of the starts that failed there is nothing in the log either.
    const { events } = await get<{ events: StoredEntry[] }>('/v1/events?trail=system&action=token.create');
    expect(events.map(({ entry }) => entry.targets?.[0]?.id)).toEqual([tokens[0]?.id]);
  } finally {
    other.close();
    rmSync(dir, { recursive: true, force: true });
  }
});
