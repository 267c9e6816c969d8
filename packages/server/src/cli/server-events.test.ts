import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SealtrailError } from '@sealtrail/core';
import { afterEach, describe, expect, it } from 'vitest';
import { Interruption, interruptionOf } from './interruption.ts';
import { ServerApi } from './server-api.ts';
import { readServerEvents } from './server-events.ts';

/** What a server does with one connection after the other; the last goes on for all further ones. */
type Turn = (response: ServerResponse) => void;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

interface Reader {
  readonly events: AsyncGenerator<string>;
  /** The ids that the server was asked to go on from. */
  readonly asked: readonly (string | undefined)[];
  readonly told: readonly string[];
  readonly stop: AbortController;
}

/** A reader of a server that takes its turns. */
async function readerOf(...turns: readonly [Turn, ...Turn[]]): Promise<Reader> {
  const asked: (string | undefined)[] = [];
  const told: string[] = [];
  const stop = new AbortController();
  const server = createServer((request, response) => {
    const turn = turns[Math.min(asked.length, turns.length - 1)]!;
    asked.push(request.headers['last-event-id'] as string | undefined);
    turn(response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const api = new ServerApi({ url, token: undefined }, stop.signal);
  const events = readServerEvents({
    open: (lastId) =>
      api.request(
        'GET',
        'stream',
        {},
        {
          timely: 'beginning',
          headers: lastId === undefined ? {} : { 'last-event-id': lastId },
        },
      ),
    signal: stop.signal,
    onConnection: (state) => told.push(state),
    pauseMs: 1,
  });
  return { events, asked, told, stop };
}

const event = (id: number): string => `id: ${id}\nevent: entry\ndata: {"index":${id}}\n\n`;

/** Sends text, then cuts the connection in the middle of what it announced. */
const cutAfter =
  (text: string): Turn =>
  (response) =>
    response.writeHead(200).write(text, () => response.destroy());

const problem =
  (status: number, code?: string): Turn =>
  (response) =>
    response.writeHead(status).end(code === undefined ? '<html>' : JSON.stringify({ code, title: code }));

const cut: Turn = (response) => {
  response.destroy();
};

const following: Turn = (response) => response.writeHead(200).write(event(9));

async function codeOf(events: AsyncGenerator<string>): Promise<string> {
  try {
    for await (const _ of events);
  } catch (error) {
    if (error instanceof SealtrailError) return error.code;
    throw error;
  }
  throw new Error('expected an error');
}

describe('events of a server', () => {
  it('go on after a lost connection with the id of the last whole one, and it is told', async () => {
    const { events, asked, told } = await readerOf(
      cutAfter(`: following\n\n${event(3)}${event(4)}id: 5\ndata: {"ind`),
      following,
    );
    const data: string[] = [];
    for await (const one of events) if (data.push(one) === 3) break;
    expect(data).toEqual(['{"index":3}', '{"index":4}', '{"index":9}']);
    expect(asked).toEqual([undefined, '4']);
    expect(told).toEqual(['lost', 'back']);
  });

  it('go on from where the stream began when it broke before the first of them', async () => {
    const { events, asked } = await readerOf(cutAfter(': following\nid: -1\n\n'), following);
    expect((await events.next()).value).toBe('{"index":9}');
    expect(asked).toEqual([undefined, '-1']);
  });

  it('are asked for again while the server is away, overloaded, or stands behind a proxy without it', async () => {
    const { events, asked, told } = await readerOf(
      (response) => response.writeHead(200).end(event(1)),
      problem(503, 'shutting_down'),
      problem(502),
      cut,
      following,
    );
    expect([(await events.next()).value, (await events.next()).value]).toEqual([
      '{"index":1}',
      '{"index":9}',
    ]);
    expect(asked).toEqual([undefined, '1', '1', '1', '1']);
    expect(told).toEqual(['lost', 'back']);
  });

  it.each<readonly [string, Turn]>([
    ['storage_unavailable', cut],
    ['too_many_streams', problem(503, 'too_many_streams')],
    ['internal', problem(500)],
    ['unauthenticated', problem(401, 'unauthenticated')],
  ])('fail at once with %s when the first connection does', async (code, turn) => {
    const { events, asked } = await readerOf(turn);
    expect(await codeOf(events)).toBe(code);
    expect(asked).toHaveLength(1);
  });

  it('fail later with what trying again cannot change', async () => {
    const { events } = await readerOf(
      (response) => response.writeHead(200).end(event(1)),
      problem(401, 'unauthenticated'),
    );
    expect(await codeOf(events)).toBe('unauthenticated');
  });

  it('fail when one has no end', async () => {
    const { events } = await readerOf((response) => response.writeHead(200).write('x'.repeat(2 ** 21)));
    expect(await codeOf(events)).toBe('body_too_large');
  });

  it.each<readonly [string, Turn]>([
    ['it waits for the first answer', () => {}],
    ['it waits for an event', (response) => response.writeHead(200).write(': x\n\n')],
    ['it waits to come back', (response) => response.writeHead(200).end()],
  ])('end with the interruption while %s', async (_, turn) => {
    const { events, asked, stop } = await readerOf(turn);
    const ended = events.next();
    ended.catch(() => {});
    await expect.poll(() => asked.length).toBeGreaterThan(0);
    stop.abort(Interruption.by('SIGTERM'));
    await expect(ended).rejects.toSatisfy((error: unknown) => interruptionOf(error)?.exitCode === 143);
  });
});
