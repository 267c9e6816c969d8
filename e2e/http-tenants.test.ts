import type { CreatedToken, EventPage, Stats } from '@sealtrail/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { followStream } from './support/event-stream.ts';
import { problemOf, startServer, type TestServer } from './support/server.ts';

/** In every text of every event of the other tenants, and of none. */
const canary = 'Zq7Canary';
const perTenant = 120;

let server: TestServer;
let reader: CreatedToken;
let foreignIds: string[];
let lastIndex: number;

const eventOf = (tenant: string | undefined, i: number): object => {
  const mark = tenant === 'acme' ? 'plain' : canary;
  return {
    action: `invoice.${mark}${i % 3}`,
    actor: { type: 'user', id: `${mark}-${i % 5}`, name: mark, email: `${mark}@example.com` },
    targets: [{ type: mark, id: mark, name: mark }],
    context: { service: mark, requestId: `${mark}-${i}` },
    producer: { id: mark, seq: i },
    reason: mark,
    metadata: { [mark]: mark },
    ...(tenant && { tenant: tenant === 'acme' ? tenant : `${tenant}-${canary}` }),
  };
};

beforeAll(async () => {
  server = await startServer();
  const events = Array.from({ length: perTenant }, (_, i) => [
    eventOf('acme', i),
    eventOf('globex', i),
    eventOf(undefined, i),
  ]).flat();
  const { receipts } = await server.record(events);
  foreignIds = receipts.filter((_, i) => i % 3 !== 0).map(({ id }) => id);
  lastIndex = receipts.at(-1)!.index;
  reader = await server.token({ role: 'auditor', tenants: ['acme'] });
  await server.engine.log.publish('main');
});
afterAll(() => server[Symbol.asyncDispose]());

/** What the reader gets; nothing of another tenant may be in it. */
async function seen(path: string): Promise<{ status: number; text: string }> {
  const answer = await server.send(path, { token: reader.secret });
  expect(answer.text).not.toContain(canary);
  return answer;
}

const page = async (query: string): Promise<EventPage> => {
  const { text, status } = await seen(`/v1/events?after=${lastIndex}&${query}`);
  expect(status).toBe(200);
  return JSON.parse(text) as EventPage;
};

describe('a token that is limited to a tenant', () => {
  it('finds all entries of its tenant, and those only, page by page', async () => {
    const indexes: number[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { events, nextCursor }: EventPage = await page(`limit=37${cursor && `&cursor=${cursor}`}`);
      for (const { index, entry } of events) {
        expect(entry.tenant).toBe('acme');
        indexes.push(index);
      }
      cursor = nextCursor;
    }
    expect(indexes).toEqual(Array.from({ length: perTenant }, (_, i) => 3 * (perTenant - 1 - i)));
  });

  it.each([
    `q=${canary}`,
    `q=${canary}*`,
    `q="${canary}"`,
    `tenant=globex-${canary}`,
    `q=tenant:globex* OR tenant:${canary}`,
    'q=-tenant:acme',
    'q=NOT tenant:*',
    `q=actor:${canary}-1`,
    `q=action:invoice.${canary}*`,
    `q=metadata.${canary}:${canary}`,
    `q=producer:${canary}`,
    `actor.email=${canary}@example.com`,
    `target=${canary}`,
  ])('finds nothing with %s', async (query) => {
    expect((await page(query)).events).toEqual([]);
  });

  it.each([
    'q=-plain',
    `q=plain OR ${canary}`,
    'q=(tenant:acme OR tenant:globex*)',
    'q=tenant:*',
    'q=action:*',
    'since=24h',
  ])('finds nothing else with %s', async (query) => {
    for (const { entry } of (await page(`limit=1000&${query}`)).events) expect(entry.tenant).toBe('acme');
  });

  it('gets no further with the cursor of a token that sees all', async () => {
    const all = await server.json<EventPage>(`/v1/events?after=${lastIndex}&limit=10`);
    const { events } = await page(`limit=10&cursor=${all.nextCursor}`);
    expect(events).toHaveLength(10);
    for (const { entry } of events) expect(entry.tenant).toBe('acme');
  });

  it('counts only its own', async () => {
    for (const query of [
      '',
      'field=actor.id',
      'field=tenant',
      'field=producer',
      'field=metadata.plain',
      `field=metadata.${canary}`,
      'interval=day',
      'q=-plain',
      'field=action&limit=1',
    ]) {
      const { text } = await server.send(`/v1/stats?after=${lastIndex}&${query}`, { token: reader.secret });
      expect(text.replace(`"field":"metadata.${canary}"`, '')).not.toContain(canary);
      const { total, values = [], buckets } = JSON.parse(text) as Stats;
      expect(total).toBe(query === 'q=-plain' ? 0 : perTenant);
      for (const { count } of values) expect(count).toBeLessThanOrEqual(perTenant);
      if (buckets) expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(perTenant);
    }
  });

  it('gets the answer of an id that is nowhere for the id of another tenant', async () => {
    const nowhere = '019370a2-7c1e-7b3a-9f5e-2c8d4a6b1e0f';
    for (const suffix of ['', '/proof']) {
      const wanted = await seen(`/v1/events/${nowhere}${suffix}`);
      expect(wanted.status).toBe(404);
      for (const id of [foreignIds[0]!, foreignIds[1]!, foreignIds.at(-1)!])
        expect((await seen(`/v1/events/${id}${suffix}`)).text).toBe(wanted.text);
    }
  });

  it('gets no bundle, which holds entries of all', async () => {
    for (const path of ['tile/entries/000', 'tile/entries/001.p/1']) {
      const answer = await server.send(`/trails/main/${path}`, { token: reader.secret });
      expect(problemOf(answer).code).toBe('forbidden');
    }
  });

  it('gets no producers, which are of all', async () => {
    expect((await seen('/v1/trails/main/producers')).status).toBe(403);
  });

  it('follows only its own, from the beginning and as they come', async () => {
    await using stream = await followStream(server, '/v1/events/stream?from=0', reader.secret);
    const old = await stream.take(perTenant);
    await server.record([
      eventOf('globex', 500),
      eventOf('acme', 501),
      eventOf(undefined, 502),
      eventOf('acme', 503),
    ]);
    const fresh = await stream.take(2);
    for (const { data } of [...old, ...fresh]) {
      expect(data).not.toContain(canary);
      expect(JSON.parse(data).entry.tenant).toBe('acme');
    }
    expect(fresh.map(({ data }) => JSON.parse(data).entry.context.requestId)).toEqual([
      'plain-501',
      'plain-503',
    ]);
  });

  it('sees of the trail system what is of its tenant: nothing', async () => {
    expect(JSON.parse((await seen('/v1/events?trail=system')).text)).toMatchObject({ events: [] });
  });

  it('writes for its tenant alone', async () => {
    const { secret } = await server.token({ role: 'ingest', tenants: ['acme'] });
    const { receipts } = await server.record({ action: 'a' }, secret);
    expect(server.entries('main', receipts[0]!.index)[0]).toMatchObject({ tenant: 'acme' });
    for (const tenant of ['globex', '*', 'Acme']) await refusedFor(secret, tenant);
  });

  it('has to say for which tenant it writes where it may for several', async () => {
    const { secret } = await server.token({ role: 'ingest', tenants: ['acme', 'initech'] });
    await refusedFor(secret, undefined);
    await refusedFor(secret, 'globex');
    await server.record({ action: 'a', tenant: 'initech' }, secret);
  });

  async function refusedFor(token: string, tenant: string | undefined): Promise<void> {
    const before = server.size();
    const answer = await server.send('/v1/events', {
      method: 'POST',
      body: JSON.stringify({ action: 'a', tenant }),
      headers: { 'content-type': 'application/json' },
      token,
    });
    const { code, errors } = problemOf(answer);
    expect([code, errors?.[0]?.pointer]).toEqual(['forbidden', '/tenant']);
    expect(server.size()).toBe(before);
  }
});
