import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { SendOutcome } from '../../channel-ports.ts';
import { HttpSender } from './http-sender.ts';
import { TargetGuard } from './target-guard.ts';
import { selfSigned } from './testing/self-signed.ts';

interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

type Answer = (request: Received, response: ServerResponse, count: number) => void;

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A server that keeps what it receives. */
async function receiving(answer: Answer): Promise<{ url: string; port: number; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      received.push({ method: request.method, path: request.url, headers: request.headers, body });
      answer(received.at(-1)!, response, received.length);
    });
  });
  const port = await listening(server);
  return { url: `http://127.0.0.1:${port}/in`, port, received };
}

const loopback = (names: Readonly<Record<string, string>> = {}, allowed = ['127.0.0.1']): TargetGuard =>
  new TargetGuard(allowed, (host) => Promise.resolve([{ address: names[host]!, family: 4 }]));

function sender(guard: TargetGuard = loopback(), timeoutMs = 5000, ca?: string): HttpSender {
  const made = new HttpSender({ guard, userAgent: 'Sealtrail/test', timeoutMs, ca });
  opened.push(() => made[Symbol.dispose]());
  return made;
}

const never = new AbortController().signal;
const post = (to: HttpSender, url: string, signal = never): Promise<SendOutcome> =>
  to.send(
    {
      via: 'http',
      url,
      headers: { 'x-signature': 'sample', authorization: 'Bearer sample' },
      body: '{"a":1}',
    },
    signal,
  );

describe('HttpSender', () => {
  it('posts what it is given, and keeps no cookies', async () => {
    const { url, received } = await receiving((_, response) =>
      response.writeHead(200, { 'set-cookie': 'session=1' }).end('thanks'),
    );
    const http = sender();
    expect([await post(http, url), await post(http, url)]).toEqual([
      { kind: 'delivered' },
      { kind: 'delivered' },
    ]);
    expect(received[1]).toMatchObject({
      method: 'POST',
      path: '/in',
      headers: { 'x-signature': 'sample', 'user-agent': 'Sealtrail/test', 'content-length': '7' },
      body: '{"a":1}',
    });
    expect(received[1]!.headers).not.toHaveProperty('cookie');
  });

  it.each([
    [204, {}, { kind: 'delivered' }],
    [302, { location: '/elsewhere' }, { kind: 'refused', error: 'HTTP 302' }],
    [303, { location: '/elsewhere' }, { kind: 'refused', error: 'HTTP 303' }],
    [307, {}, { kind: 'refused', error: 'HTTP 307 without a location' }],
    [400, {}, { kind: 'refused', error: 'HTTP 400' }],
    [404, {}, { kind: 'refused', error: 'HTTP 404' }],
    [410, {}, { kind: 'gone', error: 'HTTP 410' }],
    [408, {}, { kind: 'retry', error: 'HTTP 408' }],
    [429, { 'retry-after': '7' }, { kind: 'retry', error: 'HTTP 429', retryAfterMs: 7000 }],
    [
      503,
      { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' },
      { kind: 'retry', error: 'HTTP 503', retryAfterMs: 0 },
    ],
    [503, { 'retry-after': 'soon' }, { kind: 'retry', error: 'HTTP 503' }],
    [500, { 'retry-after': '999999999' }, { kind: 'retry', error: 'HTTP 500', retryAfterMs: 86_400_000 }],
  ] as const)('takes the status %d with %j for %j', async (status, headers, outcome) => {
    const { url, received } = await receiving((_, response) => response.writeHead(status, headers).end());
    expect(await post(sender(), url)).toEqual(outcome);
    expect(received).toHaveLength(1);
  });

  it('says only a code of what goes wrong', async () => {
    const { url, port } = await receiving((_, response) => response.socket?.destroy());
    expect(await post(sender(), url)).toEqual({ kind: 'retry', error: 'ECONNRESET' });
    for (const close of opened.splice(0)) close();
    expect(await post(sender(), `http://127.0.0.1:${port}/secret?key=1`)).toEqual({
      kind: 'retry',
      error: 'ECONNREFUSED',
    });
  });

  it('gives up on a server that does not answer', async () => {
    const { url } = await receiving(() => {});
    expect(await post(sender(loopback(), 100), url)).toEqual({ kind: 'retry', error: 'no answer in time' });
  });

  it('ends at once when it is aborted', async () => {
    const { url } = await receiving(() => {});
    const abort = new AbortController();
    const sent = post(sender(loopback(), 60_000), url, abort.signal);
    setTimeout(() => abort.abort(new Error('closing')), 50);
    await expect(sent).rejects.toThrow('closing');
  });

  it('reads no more of an answer than it needs', async () => {
    let isClosed = false;
    const { url } = await receiving((_, response) => {
      response.on('close', () => {
        isClosed = true;
      });
      response.on('error', () => {});
      const flood = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        if (!response.destroyed) response.once('drain', flood);
      };
      flood();
    });
    expect(await post(sender(), url)).toEqual({ kind: 'delivered' });
    await expect.poll(() => isClosed).toBe(true);
  });

  it('sends again over another connection when the one it used had been closed', async () => {
    let sockets = 0;
    const { url, received } = await receiving((_, response, count) => {
      response.end('ok', () => {
        // Without a word beforehand, and late enough that the next request is on its way.
        if (count === 1) setImmediate(() => response.socket?.destroy());
      });
      sockets++;
    });
    const http = sender();
    for (let i = 0; i < 5; i++) expect(await post(http, url)).toEqual({ kind: 'delivered' });
    expect(received.length).toBeGreaterThanOrEqual(5);
    expect(sockets).toBe(received.length);
  });
});

describe('redirects', () => {
  it('are followed at the same origin, with method, headers and body', async () => {
    const { url, received } = await receiving((request, response) =>
      request.path === '/in' ? response.writeHead(308, { location: '/new' }).end() : response.end(),
    );
    expect(await post(sender(), url)).toEqual({ kind: 'delivered' });
    expect(received[1]).toMatchObject({
      method: 'POST',
      path: '/new',
      body: '{"a":1}',
      headers: { 'x-signature': 'sample' },
    });
  });

  it('end after three', async () => {
    const { url, received } = await receiving((_, response) =>
      response.writeHead(307, { location: '/in' }).end(),
    );
    expect(await post(sender(), url)).toEqual({ kind: 'refused', error: 'redirected more than 3 times' });
    expect(received).toHaveLength(4);
  });

  it.each([
    ['another port of loopback', (port: number) => `http://127.0.0.1:${port}/`],
    ['another name', (port: number) => `http://elsewhere.example.com:${port}/`],
    ['a file', () => 'file:///etc/hostname'],
    ['metadata', () => 'http://169.254.169.254/latest/'],
  ])('to %s lead nowhere, and take nothing along', async (_name, location) => {
    const other = await receiving((_, response) => response.end());
    const { url } = await receiving((_, response) =>
      response.writeHead(307, { location: location(other.port) }).end(),
    );
    const guard = loopback({ 'elsewhere.example.com': '127.0.0.1' });
    expect(await post(sender(guard), url)).toMatchObject({ kind: 'refused' });
    expect(other.received).toEqual([]);
  });
});

describe('what leads to private addresses', () => {
  it('is not connected to: addresses, names that lead there, and other spellings', async () => {
    const { port, received } = await receiving((_, response) => response.end());
    const guard = loopback({ 'rebound.example.com': '127.0.0.1' }, []);
    for (const host of [
      '127.0.0.1',
      'localhost',
      'rebound.example.com',
      '[::ffff:127.0.0.1]',
      '0x7f.1',
      '0.0.0.0',
    ])
      expect(await post(sender(guard), `http://${host}:${port}/`), host).toMatchObject({ kind: 'refused' });
    expect(received).toEqual([]);
  });

  it('is not reached by a name that leads elsewhere a moment later', async () => {
    const { port, received } = await receiving((_, response) => response.end());
    const answers = ['8.8.8.8', '127.0.0.1'];
    let asked = 0;
    const guard = new TargetGuard([], () =>
      Promise.resolve([{ address: answers[Math.min(asked++, 1)]!, family: 4 }]),
    );
    await guard.addressesOf('rebound.example.com');
    expect(await post(sender(guard), `http://rebound.example.com:${port}/`)).toMatchObject({
      kind: 'refused',
    });
    expect(received).toEqual([]);
  });

  it('is reached where it is allowed, by the name that is', async () => {
    const { port, received } = await receiving((_, response) => response.end());
    const guard = loopback({ 'hooks.internal': '127.0.0.1' }, ['hooks.internal']);
    expect(await post(sender(guard), `http://hooks.internal:${port}/`)).toEqual({ kind: 'delivered' });
    expect(received[0]!.headers.host).toBe(`hooks.internal:${port}`);
  });
});

describe('over TLS', () => {
  it('takes a certificate only from those it trusts, and only for the name', async () => {
    const { cert, key } = selfSigned(['hooks.internal']);
    const port = await listening(createTlsServer({ cert, key }, (_, response) => response.end()));
    const guard = loopback({ 'hooks.internal': '127.0.0.1', 'other.internal': '127.0.0.1' });
    const url = `https://hooks.internal:${port}/`;
    expect(await post(sender(guard, 5000, cert), url)).toEqual({ kind: 'delivered' });
    expect(await post(sender(guard), url)).toMatchObject({ kind: 'retry' });
    expect(await post(sender(guard, 5000, cert), `https://other.internal:${port}/`)).toEqual({
      kind: 'retry',
      error: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });
});
