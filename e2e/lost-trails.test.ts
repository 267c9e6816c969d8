import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AlertPage } from '@sealtrail/core';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startServer, type TestServer } from './support/server.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-lost-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function run(file: string, sql: string): void {
  const db = new Database(path.join(dir, file));
  db.exec(sql);
  db.close();
}

const told = (server: TestServer): unknown[] =>
  server.entries('system').filter(({ action }) => action === 'log.verify');

it('a trail that was taken out of the log is told of, by its key or its line of policy, and the server starts', async () => {
  {
    await using server = await startServer({ dir });
    for (const name of ['late', 'kept'])
      await server.json('/v1/trails', {
        method: 'POST',
        body: JSON.stringify({ name }),
        headers: { 'content-type': 'application/json' },
      });
    await server.record({ action: 'test.event', trail: 'late' });
    await server.engine.log.publish('late');
    expect(told(server)).toEqual([]);
  }
  const id = "(SELECT id FROM trail WHERE name = 'late')";
  const tables = ['bundle', 'tail', 'tile', 'entry_id', 'checkpoint'];
  run('log.db', tables.map((table) => `DELETE FROM ${table} WHERE trail = ${id};`).join('\n'));
  run('log.db', "DELETE FROM trail WHERE name = 'late'");
  run('published.db', "DELETE FROM published WHERE trail = 'late'");

  {
    await using server = await startServer({ dir, detection: true });
    await vi.waitFor(() => expect(told(server)).toHaveLength(1));
    expect(told(server)).toMatchObject([
      {
        outcome: 'failure',
        severity: 'critical',
        targets: [{ type: 'trail', id: 'late' }],
        metadata: { trail: 'late', codes: ['missing'] },
      },
    ]);
    expect(server.logs.some((line) => line.includes('not in the log: late.'))).toBe(true);
    expect((await server.send('/readyz')).status).toBe(200);
    await vi.waitFor(
      async () => {
        const { alerts } = await server.json<AlertPage>('/v1/alerts?trail=system&minLevel=critical');
        expect(alerts.map(({ rule }) => rule.title)).toContain('History of the audit log contradicted');
      },
      { timeout: 20_000 },
    );
  }
  // Without its key the line of policy tells, by the origin.
  rmSync(path.join(dir, 'keys', 'late.key'));
  await using server = await startServer({ dir });
  await vi.waitFor(() => expect(told(server)).toHaveLength(2));
  expect(told(server)[1]).toMatchObject({ targets: [{ id: expect.stringMatching(/\/late$/) }] });
});
