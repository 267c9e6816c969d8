import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSealtrail } from 'sealtrail';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer } from './support/server.ts';

interface Search {
  readonly trail?: string;
  readonly limit?: number;
  readonly after?: number;
}
interface Searching extends AsyncDisposable {
  /** How many results there are, or the code of the error. */
  query(search: Search): Promise<number | string>;
  count(search: Search): Promise<number | string>;
}

const events = Array.from({ length: 60 }, (_, i) => ({ action: `a.${i}` }));

async function overHttp(): Promise<Searching> {
  const server = await startServer();
  await server.record(events);
  const ask = async (route: string, search: Search, member: string): Promise<number | string> => {
    const parameters = new URLSearchParams(
      Object.entries(search).map(([name, value]) => [name, String(value)]),
    );
    const { text } = await server.send(`${route}${parameters}`);
    const answer = JSON.parse(text);
    return answer.code ?? answer[member].length;
  };
  return {
    query: (search) => ask('/v1/events?', search, 'events'),
    count: (search) => ask('/v1/stats?field=action&', search, 'values'),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function inProcess(): Promise<Searching> {
  const dir = await mkdtemp(path.join(tmpdir(), 'sealtrail-test-'));
  const log = await openSealtrail({ dir, logLevel: 'silent' });
  await log.recordAll(events);
  const codeOf = ({ code }: { code: string }): string => code;
  return {
    query: (search) => log.query(search).then((page) => page.events.length, codeOf),
    count: (search) => log.count('action', search).then((stats) => stats.values!.length, codeOf),
    async [Symbol.asyncDispose]() {
      await log.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

describe.each([
  ['over HTTP', overHttp],
  ['in process', inProcess],
])('a search %s', (_, start) => {
  let searching: Searching;
  beforeAll(async () => {
    searching = await start();
  });
  afterAll(() => searching[Symbol.asyncDispose]());

  const results = async (search: Search): Promise<(number | string)[]> => [
    await searching.query(search),
    await searching.count(search),
  ];

  it('gives as much as was asked for, up to 1000, and 50 or 10 where nothing was said', async () => {
    const after = events.length - 1;
    expect(await results({ after })).toEqual([50, 10]);
    expect(await results({ after, limit: 1 })).toEqual([1, 1]);
    expect(await results({ after, limit: 1000 })).toEqual([60, 60]);
  });

  it.each([-5, -1, 0, 1.5, 1001, 1e9, 1e300, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses the limit %s',
    async (limit) => {
      expect(await results({ limit })).toEqual(['invalid_parameter', 'invalid_parameter']);
    },
  );

  it.each([60, 61, 999_999, -1, 0.5, Number.NaN])('refuses to wait for the entry %s', async (after) => {
    expect(await results({ after })).toEqual(['invalid_parameter', 'invalid_parameter']);
  });

  it('refuses a trail that is not there', async () => {
    expect(await results({ trail: 'nosuch' })).toEqual(['trail_not_found', 'trail_not_found']);
    expect(await results({ trail: 'nosuch', after: 0 })).toEqual(['trail_not_found', 'trail_not_found']);
  });
});
