import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { SmallDisk } from '../packages/server/src/sequencer/testing/small-disk.ts';
import { type Answer, problemOf, startServer, type TestServer } from './support/server.ts';

const json = { 'content-type': 'application/json' };
const post = (server: TestServer, route: string, body: unknown): Promise<Answer> =>
  server.send(route, { method: 'POST', headers: json, body: JSON.stringify(body) });

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
});
