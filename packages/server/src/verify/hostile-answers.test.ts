import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync, constants as zlib, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { codeOfPromise } from '../testing/code-of.ts';
import { type Falsify, FalsifyingServer } from './testing/served-log.ts';
import { failed, VerifiedLog } from './testing/verify-served.ts';

const isBundle = (path_: string): boolean => path_.startsWith('/trails/main/tile/entries/001');
const everyPath = [
  '/v1/trails',
  '/trails/main/checkpoint',
  '/trails/main/tile/entries/001',
  '/trails/main/tile/0/001',
];

/** More than any resource of a log has, and nothing when compressed. */
const bomb = Buffer.alloc(64_000_000);

describe('an answer that is none', () => {
  const log = new VerifiedLog('all');
  const endless = (response: ServerResponse): void => {
    const write = (): void => {
      while (!response.destroyed && response.write(bomb.subarray(0, 65_536)));
    };
    response.on('drain', write);
    write();
  };
  const drip = (response: ServerResponse): void => {
    const timer = setInterval(() => response.write('.'), 10);
    response.once('close', () => clearInterval(timer));
  };
  const withEncoding = (encoding: string, body: Buffer) => (response: ServerResponse) =>
    void response.writeHead(200, { 'content-encoding': encoding }).end(body);
  const cases: Readonly<Record<string, (response: ServerResponse, body: Buffer) => void>> = {
    'a body without end': endless,
    'a refusal without end': (response) => endless(response.writeHead(500)),
    'a body that inflates, by gzip': withEncoding('gzip', gzipSync(bomb)),
    'a body that inflates, by deflate': withEncoding('deflate', deflateSync(bomb)),
    'a body that inflates, by brotli': withEncoding(
      'br',
      brotliCompressSync(bomb, { params: { [zlib.BROTLI_PARAM_QUALITY]: 1 } }),
    ),
    'a body that inflates, by zstd': withEncoding('zstd', zstdCompressSync(bomb)),
    'a body that inflates twice': withEncoding('gzip, gzip', gzipSync(gzipSync(bomb))),
    'a body that is not in the encoding it names': withEncoding('gzip', Buffer.from('hello')),
    'a body that comes a byte at a time': drip,
    'a body that does not come': (response) => void response.writeHead(200).flushHeaders(),
    'no answer at all': () => {},
    'a body that breaks off': (response, body) => {
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.subarray(0, body.length / 2), () => response.destroy());
    },
    'a body longer than it says': (response, body) =>
      void response.writeHead(200, { 'content-length': body.length - 1 }).end(body),
    'something else than HTTP': (response) => void response.socket!.end('SSH-2.0-OpenSSH_9.9\r\n\r\n'),
    'headers without end': (response) => {
      response.socket!.write(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(100_000)}`);
    },
    'hints without end': (response) => {
      const timer = setInterval(() => response.socket?.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 10);
      response.once('close', () => clearInterval(timer));
    },
    'no content': (response) => void response.writeHead(204).end(),
  };

  it.each(Object.keys(cases))('%s: is part of the verdict, and comes to an end', async (name) => {
    const closed: Promise<unknown>[] = [];
    await using server = await FalsifyingServer.start(log.served.url, (path_, body) =>
      isBundle(path_)
        ? (response) => {
            closed.push(once(response, 'close'));
            cases[name]!(response, body);
          }
        : undefined,
    );
    const verdict = await log.verify({ url: server.url, timeoutMs: 1_000 });
    expect(verdict.ok).toBe(false);
    expect(failed(verdict)).toContain(
      name === 'no content' ? 'entries missing 256' : 'entries unreadable 256',
    );
    // Nothing is left open that a server could go on with.
    await Promise.all(closed);
    expect(closed).not.toHaveLength(0);
    expect(existsSync(log.rememberFile)).toBe(false);
  });

  it.each(Object.keys(cases))('%s: is an error where there is nothing to judge yet', async (name) => {
    for (const at of everyPath.slice(0, 2)) {
      await using server = await FalsifyingServer.start(log.served.url, (path_, body) =>
        path_ === at ? (response) => cases[name]!(response, body) : undefined,
      );
      const outcome = await log.verify({ url: server.url, timeoutMs: 200 }).then(
        ({ ok }) => ok,
        ({ code }) => code,
      );
      expect(outcome).toBeOneOf([false, 'storage_unavailable', 'body_too_large', 'not_found']);
    }
  });

  it.each([301, 302, 303, 307, 308])(
    'a redirect (%i) is not followed, and nobody gets the token',
    async (status) => {
      let visits = 0;
      const elsewhere = createServer((_, response) => {
        visits++;
        response.end();
      });
      elsewhere.listen(0, '127.0.0.1');
      await once(elsewhere, 'listening');
      const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
      for (const at of everyPath) {
        await using server = await FalsifyingServer.start(log.served.url, (path_) =>
          path_.startsWith(at) ? { status, location } : undefined,
        );
        const ok = await log.verify({ url: server.url }).then(
          (verdict) => verdict.ok,
          () => false,
        );
        expect(ok).toBe(false);
      }
      elsewhere.close();
      expect(visits).toBe(0);
    },
  );
});

describe('a list of trails', () => {
  const log = new VerifiedLog('all');
  const long = 'x'.repeat(10_000);
  const cases: readonly [string, string, string][] = [
    ['nested without end', '['.repeat(5_000_000), 'not_found'],
    [
      'with an origin that would fill the terminal',
      JSON.stringify({ trails: [{ name: 'main', origin: long, vkey: 'x' }] }),
      'trail_not_found',
    ],
    [
      'with a key that would',
      JSON.stringify({ trails: [{ name: 'main', origin: 'x', vkey: long }] }),
      'trail_not_found',
    ],
    ['of trails that are none', '{"trails": [null, 1, "main"]}', 'not_found'],
  ];
  it.each(cases)('%s: is refused', async (_, body, code) => {
    await using server = await FalsifyingServer.start(log.served.url, ((path_) =>
      path_ === '/v1/trails' ? { body } : undefined) satisfies Falsify);
    expect(await codeOfPromise(log.verify({ url: server.url }))).toBe(code);
  });
});
