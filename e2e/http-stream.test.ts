import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { followStream, type StreamReader } from './support/event-stream.ts';
import { adminSecret, problemOf, startServer, type TestServer } from './support/server.ts';

let server: TestServer;
/** Streams that listen to the log at the moment, beyond what the server itself has. */
let listening = 0;
/** Tokens that together may take all places there are. */
let readers: string[];
beforeAll(async () => {
  server = await startServer();
  readers = (await Promise.all(Array.from({ length: 4 }, () => server.token({ role: 'read' })))).map(
    ({ secret }) => secret,
  );
  const { log } = server.engine;
  const listen = log.listen.bind(log);
  log.listen = (listener) => {
    listening++;
    const unlisten = listen(listener);
    return () => {
      listening--;
      unlisten();
    };
  };
});
afterAll(() => server[Symbol.asyncDispose]());

const follow = (
  query = '',
  headers: Record<string, string> = {},
  token = adminSecret,
): Promise<StreamReader> => followStream(server, `/v1/events/stream${query}`, token, headers);

const indexesOf = (events: readonly { readonly id: string }[]): number[] =>
  events.map(({ id }) => Number(id));

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('GET /v1/events/stream', () => {
  it('sends each entry as the log holds it, under its index', async () => {
    const from = server.size();
    await using stream = await follow(`?from=${from}`);
    await server.record({ action: 'a', metadata: { b: 1, a: 'x\ny: z\n\n' } });
    const [event] = await stream.take(1);
    const bytes = server.engine.reader.entries('main', from, from + 1)[0]!;
    expect(event).toEqual({
      id: String(from),
      event: 'entry',
      data: `{"index":${from},"entry":${Buffer.from(bytes).toString()}}`,
    });
  });

  it('begins with what comes from now on', async () => {
    await server.record([{ action: 'a' }, { action: 'a' }]);
    const from = server.size();
    await using stream = await follow();
    await server.record([{ action: 'b' }, { action: 'c' }]);
    expect(indexesOf(await stream.take(2))).toEqual([from, from + 1]);
  });

  it('misses nothing and repeats nothing for a reader that comes back again and again while entries arrive', async () => {
    const from = server.size();
    const total = 3000;
    const writing = (async () => {
      for (let sent = 0; sent < total; ) {
        const batch = Math.min(1 + ((sent * 7) % 90), total - sent);
        await server.record(Array.from({ length: batch }, () => ({ action: 'a' })));
        sent += batch;
      }
    })();
    const seen: number[] = [];
    let visit = 0;
    while (seen.length < total) {
      await using stream = await follow(
        seen.length === 0 ? `?from=${from}` : '',
        seen.length === 0 ? {} : { 'last-event-id': String(seen.at(-1)) },
      );
      seen.push(...indexesOf(await stream.take(Math.min(1 + ((visit++ * 131) % 400), total - seen.length))));
    }
    await writing;
    expect(seen).toEqual(range(from, from + total));
  });

  it('goes by Last-Event-ID where both are given, and waits for the next entry', async () => {
    await server.record([{ action: 'a' }, { action: 'a' }]);
    const size = server.size();
    await using resumed = await follow('?from=0', { 'last-event-id': String(size - 2) });
    expect(indexesOf(await resumed.take(1))).toEqual([size - 1]);
    await using ahead = await follow(`?from=${size}`);
    await server.record([{ action: 'a' }, { action: 'a' }]);
    expect(indexesOf(await ahead.take(2))).toEqual([size, size + 1]);
  });

  it('refuses what is beyond the next entry: it may never come', async () => {
    const size = server.size();
    for (const [query, headers] of [
      [`?from=${size + 1}`, {}],
      ['?from=999999', {}],
      ['', { 'last-event-id': String(size) }],
      ['?from=0', { 'last-event-id': '999999' }],
    ] as const) {
      const answer = await server.send(`/v1/events/stream${query}`, { headers });
      expect(problemOf(answer).code).toBe('invalid_parameter');
    }
  });

  it('sends only what the filter and the query match, of one trail', async () => {
    const from = server.size();
    await using stream = await follow(
      `?from=${from}&action=user.*&q=${encodeURIComponent('outcome:failure -bob')}`,
    );
    await server.record([
      { action: 'user.login', outcome: 'failure', reason: 'bob' },
      { action: 'user.login', outcome: 'success' },
      { action: 'user.login', outcome: 'failure', trail: 'other' },
      { action: 'invoice.paid', outcome: 'failure' },
      { action: 'user.login', outcome: 'failure' },
      ...Array(600).fill({ action: 'noise' }),
      { action: 'user.logout', outcome: 'failure' },
    ]);
    expect(indexesOf(await stream.take(2))).toEqual([from + 3, from + 604]);
  });

  it('tells from where to come back before there is any event, in an empty trail too', async () => {
    await server.json('/v1/trails', {
      method: 'POST',
      body: JSON.stringify({ name: 'empty' }),
      headers: { 'content-type': 'application/json' },
    });
    for (const [trail, id] of [
      ['main', String(server.size() - 1)],
      ['empty', '-1'],
    ] as const) {
      const abort = new AbortController();
      const response = await fetch(`${server.url}/v1/events/stream?trail=${trail}`, {
        headers: { authorization: `Bearer ${adminSecret}` },
        signal: abort.signal,
      });
      const { value } = await response.body!.pipeThrough(new TextDecoderStream()).getReader().read();
      abort.abort();
      expect(value).toBe(`: following\nid: ${id}\n\n`);
      await server.record({ action: 'a', trail });
      await using back = await follow(`?trail=${trail}`, { 'last-event-id': id });
      expect(indexesOf(await back.take(1))).toEqual([Number(id) + 1]);
    }
  });

  it.each(['x', '-2', '-01', '1.5', ' ', '9'.repeat(17)])('refuses the Last-Event-ID %j', async (id) => {
    const answer = await server.send('/v1/events/stream', { headers: { 'last-event-id': id } });
    expect(problemOf(answer).code).toBe('invalid_parameter');
  });

  it('waits for a slow reader, and holds up nobody else', async () => {
    const from = server.size();
    const count = 4000;
    await using slow = await follow(`?from=${from}`);
    const filler = 'x'.repeat(4000);
    for (let sent = 0; sent < count; sent += 500)
      await server.record(Array.from({ length: 500 }, () => ({ action: 'a', reason: filler })));
    await using quick = await follow(`?from=${from}`);
    expect(indexesOf(await quick.take(count))).toEqual(range(from, from + count));
    expect(indexesOf(await slow.take(count))).toEqual(range(from, from + count));
  });
});

describe('the end of a stream', () => {
  const noneListening = (): Promise<void> => expect.poll(() => listening, { timeout: 10_000 }).toBe(0);

  const readerOf = (i: number): string => readers[i % readers.length]!;

  /** A stream on a connection that is never read from. */
  const followWithoutReading = (token: string): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(server.url);
      const socket = connect(Number(port), hostname, () => {
        socket.pause();
        socket.write(
          `GET /v1/events/stream?from=0 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`,
        );
        resolve(socket);
      });
      socket.on('error', reject);
    });

  it('frees its place, and what it held in the log', async () => {
    await noneListening();
    const streams = await Promise.all(Array.from({ length: 64 }, (_, i) => follow('', {}, readerOf(i))));
    const refused = await server.send('/v1/events/stream');
    expect([problemOf(refused).code, refused.headers.get('retry-after')]).toEqual(['too_many_streams', '30']);
    for (const stream of streams) await stream[Symbol.asyncDispose]();
    await noneListening();
    await using again = await follow();
    await server.record({ action: 'a' });
    expect(await again.take(1)).toHaveLength(1);
  });

  it('leaves places to other tokens when one has taken all that it gets', async () => {
    await noneListening();
    const streams = await Promise.all(Array.from({ length: 16 }, () => follow('', {}, readers[0]!)));
    const refused = await server.send('/v1/events/stream', { token: readers[0]! });
    expect(problemOf(refused).code).toBe('too_many_streams');
    expect(server.logs.filter((line) => JSON.parse(line).level >= 40)).toEqual([]);
    await using other = await follow('', {}, readers[1]!);
    await server.record({ action: 'a' });
    expect(await other.take(1)).toHaveLength(1);
    for (const stream of streams) await stream[Symbol.asyncDispose]();
  });

  it('frees it when the reader goes away without having read', async () => {
    await noneListening();
    for (let round = 0; round < 2; round++) {
      const sockets = await Promise.all(
        Array.from({ length: 40 }, (_, i) => followWithoutReading(readerOf(i))),
      );
      await expect.poll(() => listening, { timeout: 30_000 }).toBe(40);
      for (const socket of sockets) socket.destroy();
      await noneListening();
    }
  });

  it('frees it when the reader goes away before the answer', async () => {
    for (let i = 0; i < 100; i++) (await followWithoutReading(readerOf(i))).destroy();
    // The last of them may still be on their way in.
    const placesFree = async (): Promise<number> => {
      const opened = await Promise.allSettled(
        Array.from({ length: 64 }, (_, i) => follow('', {}, readerOf(i))),
      );
      const streams = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      for (const stream of streams) await stream[Symbol.asyncDispose]();
      await noneListening();
      return streams.length;
    };
    await expect.poll(placesFree, { timeout: 20_000 }).toBe(64);
  });

  it('comes with the end of the token', async () => {
    const revoked = await server.token({ role: 'read' });
    const expiring = await server.token({
      role: 'read',
      expiresAt: new Date(Date.now() + 2000).toISOString(),
    });
    await using one = await follow('', {}, revoked.secret);
    await using other = await follow('', {}, expiring.secret);
    await server.record({ action: 'a' });
    for (const stream of [one, other]) expect(await stream.take(1)).toHaveLength(1);
    await server.send(`/v1/tokens/${revoked.id}`, { method: 'DELETE' });
    await expect.poll(() => server.engine.tokens.find(expiring.secret), { timeout: 10_000 }).toBeUndefined();
    await server.record({ action: 'b' });
    for (const stream of [one, other]) expect(await stream.hasEnded()).toBe(true);
  });

  it('comes with the end of the server, long before its connections are cut', async () => {
    await using stopping = await startServer({ drainMs: 600_000 });
    const streams = await Promise.all(
      Array.from({ length: 5 }, () => followStream(stopping, '/v1/events/stream', adminSecret)),
    );
    await stopping.record({ action: 'a' });
    await stopping.http[Symbol.asyncDispose]();
    for (const stream of streams) {
      expect(await stream.take(1)).toHaveLength(1);
      expect(await stream.hasEnded()).toBe(true);
    }
  });
});
