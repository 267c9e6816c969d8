import { connect } from 'node:net';
import { OpenAPIHono } from '@hono/zod-openapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpEnv } from './context.ts';
import { HttpServer } from './server.ts';

const app = new OpenAPIHono<HttpEnv>();
app.post('/', async (c) => c.text(await c.req.text()));
app.onError((_error, c) => c.text('failed', 500));
let endSlow = (): void => {};
app.get('/slow', async (c) => {
  await new Promise<void>((resolve) => {
    endSlow = resolve;
  });
  return c.text('done');
});

/** Sends a text and gives everything that comes back until the connection closes. */
function exchange(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('HttpServer', () => {
  const server = new HttpServer({
    drainMs: 200,
    closing: new AbortController(),
    timeouts: { requestMs: 300, headersMs: 150, idleMs: 100, checkMs: 50 },
  });
  beforeAll(() => server.listen(app, '127.0.0.1', 0));
  afterAll(() => server[Symbol.asyncDispose]());

  it.each([
    ['headers', 'GET / HTTP/1.1\r\nhost: x\r\n'],
    ['a body', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc'],
  ])('ends a connection that takes too long over %s', async (_name, text) => {
    const answer = await exchange(server.url, text);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({
      code: 'request_timeout',
      status: 408,
    });
  });

  it('ends a connection that is idle after its request', async () => {
    expect(await exchange(server.url, 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nab')).toMatch(
      /ab$/,
    );
  });
});

describe('stopping an HttpServer', () => {
  const listening = async (drainMs: number): Promise<{ server: HttpServer; closing: AbortController }> => {
    const closing = new AbortController();
    const server = new HttpServer({ drainMs, closing });
    await server.listen(app, '127.0.0.1', 0);
    return { server, closing };
  };

  it('lets a running request end, and takes no further one', async () => {
    const { server, closing } = await listening(60_000);
    const running = fetch(`${server.url}/slow`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { url } = server;
    const stopped = server[Symbol.asyncDispose]();
    expect([server.isDraining, closing.signal.aborted]).toEqual([true, true]);
    await expect(fetch(url)).rejects.toThrow();
    endSlow();
    expect(await (await running).text()).toBe('done');
    await stopped;
  });

  it('ends a request that does not end by itself', async () => {
    const { server } = await listening(50);
    const running = fetch(`${server.url}/slow`).then(
      () => 'answered',
      () => 'ended',
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    await server[Symbol.asyncDispose]();
    expect(await running).toBe('ended');
  });
});
