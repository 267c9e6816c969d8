import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { SmallDisk } from '../packages/server/src/sequencer/testing/small-disk.ts';
import { type Answer, problemOf, startServer, type TestServer } from './support/server.ts';

const json = { 'content-type': 'application/json' };
const post = (server: TestServer, route: string, body: unknown): Promise<Answer> =>
  server.send(route, { method: 'POST', headers: json, body: JSON.stringify(body) });

const ready = { status: 'ready', parts: { log: 'ready', search: 'ready', detection: 'off' } };
const waiting = { timeout: 50_000, interval: 100 };
async function readiness(server: TestServer): Promise<[status: number, body: unknown]> {
  const { status, text } = await server.send('/readyz', { token: null });
  return [status, JSON.parse(text)];
}

describe.skipIf(!SmallDisk.isPossible())('on a full disk (needs the right to mount one)', () => {
  it('administration is refused as events are, leaves nothing behind, and works again when there is space', async () => {
    using disk = new SmallDisk(24);
    const dir = path.join(disk.dir, 'data');
    await using server = await startServer({ dir });
    const token = await server.token({ role: 'ingest' });
    const before = readdirSync(path.join(dir, 'keys'));
    const attempts = [
      () => post(server, '/v1/events', { action: 'a.b' }),
      () => post(server, '/v1/tokens', { name: 'late', role: 'ingest' }),
      () => server.send(`/v1/tokens/${token.id}`, { method: 'DELETE' }),
      () => post(server, '/v1/trails', { name: 'late' }),
    ];
    disk.fill();
    for (const attempt of attempts) {
      const answer = await attempt();
      expect([problemOf(answer).code, answer.headers.get('retry-after')]).toEqual([
        'storage_unavailable',
        '5',
      ]);
    }
    expect(readdirSync(path.join(dir, 'keys'))).toEqual(before);
    disk.free();
    const statuses = [];
    for (const attempt of attempts) statuses.push((await attempt()).status);
    expect(statuses).toEqual([201, 201, 200, 201]);
  });

  it.each(['used', 'new'])('a start on a %s folder says that there is no space, and where', async (name) => {
    using disk = new SmallDisk(24);
    const dir = path.join(disk.dir, name);
    const start = async (): Promise<void> => (await startServer({ dir }))[Symbol.asyncDispose]();
    if (name === 'used') await start();
    // A little more each time, so that it is another step that fails.
    let failures = 0;
    for (let left = 0; ; left += 6144) {
      disk.fill(left);
      const error = await start().catch((cause: unknown) => cause);
      disk.free();
      if (error === undefined) break;
      failures++;
      expect(error).toMatchObject({ code: 'storage_unavailable' });
      expect(String(error)).toContain(`there is no space left for ${dir}`);
    }
    expect(failures).toBeGreaterThan(10);
    await start();
  });

  it('is not ready while no event can be written, and finds out by itself when it can', async () => {
    using disk = new SmallDisk(24);
    await using server = await startServer({ dir: path.join(disk.dir, 'data') });
    expect(await readiness(server)).toEqual([200, ready]);
    disk.fill();
    expect((await post(server, '/v1/events', { action: 'a.b' })).status).toBe(503);
    expect(await readiness(server)).toEqual([
      503,
      { status: 'not_ready', parts: { log: 'storage_unavailable', search: 'ready', detection: 'off' } },
    ]);
    expect((await server.send('/healthz')).status).toBe(200);
    disk.free();
    // Nobody sends events to a server that is not ready.
    await vi.waitFor(async () => expect(await readiness(server)).toEqual([200, ready]), waiting);
    expect((await post(server, '/v1/events', { action: 'a.b' })).status).toBe(201);
    expect(readdirSync(server.dir).filter((name) => name.includes('probe'))).toEqual([]);
  });

  it('serves the log where there is no space for the index, and searches as soon as there is', async () => {
    using disk = new SmallDisk(8);
    const dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-test-'));
    symlinkSync(disk.dir, path.join(dir, 'index'));
    disk.fill();
    {
      await using server = await startServer({ dir });
      expect(await readiness(server)).toEqual([
        503,
        { status: 'not_ready', parts: { log: 'ready', search: 'index_unavailable', detection: 'off' } },
      ]);
      await server.record([{ action: 'a.b' }, { action: 'a.c' }]);
      for (const route of ['/v1/events?q=*', '/v1/stats?field=action']) {
        const answer = await server.send(route);
        expect(problemOf(answer).code).toBe('index_unavailable');
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      }
      expect((await server.send('/trails/main/checkpoint')).status).toBe(200);
      expect(server.logs.join('')).toContain(`there is no space left for ${path.join(dir, 'index')}`);
      disk.free();
      await vi.waitFor(async () => expect(await readiness(server)).toEqual([200, ready]), waiting);
      const { events } = await server.json<{ events: unknown[] }>('/v1/events?q=*&after=1');
      expect(events).toHaveLength(2);
    }
    rmSync(dir, { recursive: true });
  });
});
