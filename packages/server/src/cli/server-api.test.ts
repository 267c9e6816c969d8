import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SealtrailError } from '@sealtrail/core';
import { afterEach, describe, expect, it } from 'vitest';
import { Interruption, interruptionOf } from './interruption.ts';
import { ServerApi } from './server-api.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function apiOf(
  listener: RequestListener,
  signal = new AbortController().signal,
  timeoutMs?: number,
): Promise<ServerApi> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return new ServerApi({ url, token: undefined }, signal, timeoutMs);
}

async function errorOf(promise: Promise<unknown>): Promise<SealtrailError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof SealtrailError) return error;
  throw new Error('expected a SealtrailError', { cause: error });
}

describe('requests to a server', () => {
  it('fail with the code and the details of its problem', async () => {
    const details = [{ position: 2, pointer: '/action', code: 'invalid_event', message: 'no' }];
    const api = await apiOf((_, response) =>
      response.writeHead(422).end(JSON.stringify({ code: 'invalid_event', detail: 'bad', errors: details })),
    );
    expect(await errorOf(api.json('POST', 'v1/events'))).toMatchObject({ code: 'invalid_event', details });
  });

  it.each([
    ['internal', 418, '<html>'],
    ['internal', 400, JSON.stringify({ code: 'of_another_version' })],
    ['internal', 400, 'null'],
    ['forbidden', 403, JSON.stringify({ code: 'forbidden', title: 7, errors: [null, 'x', { code: 1 }] })],
    ['storage_unavailable', 502, 'Bad Gateway'],
    ['not_found', 200, '<html>'],
  ])('fail with %s where the answer is %i %j', async (code, status, body) => {
    const api = await apiOf((_, response) => response.writeHead(status).end(body));
    expect(await errorOf(api.json('GET', 'v1/trails'))).toMatchObject({ code, details: [] });
  });

  it('fail where the address is none of HTTP, nobody answers, or the answer breaks off', async () => {
    const { signal } = new AbortController();
    for (const url of ['ftp://x', 'nonsense'])
      expect((await errorOf(new ServerApi({ url, token: undefined }, signal).text('GET', ''))).code).toBe(
        'invalid_configuration',
      );
    const nobody = new ServerApi({ url: 'http://127.0.0.1:1', token: undefined }, signal);
    expect((await errorOf(nobody.text('GET', ''))).code).toBe('storage_unavailable');
    const broken = await apiOf((_, response) =>
      response.writeHead(200, { 'content-length': 9 }).write('{', () => response.destroy()),
    );
    expect((await errorOf(broken.json('GET', ''))).code).toBe('storage_unavailable');
  });

  it('fail when a silent server takes too long, before or in the middle of its answer', async () => {
    const before = await apiOf(() => {}, undefined, 50);
    expect((await errorOf(before.text('GET', ''))).code).toBe('storage_unavailable');
    const amid = await apiOf((_, response) => void response.writeHead(200).write('{'), undefined, 50);
    expect((await errorOf(amid.text('GET', ''))).code).toBe('storage_unavailable');
  });

  const silent: RequestListener = () => {};
  const beginning =
    (status: number): RequestListener =>
    (_, response) =>
      void response.writeHead(status).write('{');
  it.each([
    ['before its answer', silent],
    ['in the middle of its answer', beginning(200)],
    ['in the middle of a problem', beginning(500)],
  ])('end with the interruption %s', async (_, listener) => {
    const stop = new AbortController();
    let isAsked = false;
    const api = await apiOf((request, response) => {
      listener(request, response);
      isAsked = true;
    }, stop.signal);
    const ended = api.json('GET', '');
    ended.catch(() => {});
    await expect.poll(() => isAsked).toBe(true);
    // Until the beginning of the answer is there, about which nobody tells.
    await delay(50);
    stop.abort(Interruption.by('SIGINT'));
    await expect(ended).rejects.toSatisfy((error: unknown) => interruptionOf(error)?.exitCode === 130);
  });
});
