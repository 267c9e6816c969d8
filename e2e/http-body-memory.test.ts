import { connect, type Socket } from 'node:net';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminSecret, startServer, type TestServer } from './support/server.ts';

const maxBodyBytes = 16 * 1024 * 1024;

/** An event that lacks its last brace. */
const inflated = Buffer.concat([Buffer.from('{"action":"a"'), Buffer.alloc(maxBodyBytes - 20, ' ')]);

let server: TestServer;
const sockets: Socket[] = [];
beforeAll(async () => {
  server = await startServer({ maxBodyBytes });
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await server[Symbol.asyncDispose]();
});

/** Sends nearly all of a body that inflates to almost the limit, and gives what is answered so far. */
function holdBody(secret: string): { readonly answer: () => string } {
  const body = zstdCompressSync(inflated);
  const { hostname, port } = new URL(server.url);
  let answer = '';
  const socket = connect(Number(port), hostname, () => {
    socket.write(
      `POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${secret}\r\nContent-Type: application/json\r\nContent-Encoding: zstd\r\nContent-Length: ${body.length + 1}\r\n\r\n`,
    );
    socket.write(body);
  });
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    answer += chunk.toString();
  });
  sockets.push(socket);
  return { answer: () => answer };
}

describe('bodies that never end', () => {
  it('are refused to one token beyond what it may hold, while others are served', async () => {
    const { secret } = await server.token({ role: 'ingest' });
    const held = Array.from({ length: 12 }, () => holdBody(secret));
    const refused = (): number => held.filter(({ answer }) => answer().startsWith('HTTP/1.1 503')).length;
    // 64 MiB a token: three bodies of nearly 16 MiB fit with their windows.
    await expect.poll(refused, { timeout: 20_000 }).toBe(held.length - 3);
    expect(held.find(({ answer }) => answer() !== '')?.answer()).toContain('"code":"overloaded"');
    expect((await server.record({ action: 'b' }, adminSecret)).receipts).toHaveLength(1);
    for (const socket of sockets.splice(0)) socket.destroy();
    // What they held is free again: bodies as large that do end are read, and judged.
    const whole = {
      method: 'POST',
      body: new Uint8Array(zstdCompressSync(Buffer.concat([inflated, Buffer.from('}')]))),
    };
    const headers = { 'content-type': 'application/json', 'content-encoding': 'zstd' };
    const statuses = async (): Promise<number[]> => {
      const answers = Array.from({ length: 3 }, () =>
        server.send('/v1/events', { ...whole, headers, token: secret }),
      );
      return (await Promise.all(answers)).map(({ status }) => status);
    };
    await expect.poll(statuses, { timeout: 20_000 }).toEqual([422, 422, 422]);
  });

  it('are refused where they are blank lines only', async () => {
    const answer = await server.send('/v1/events?partial=true', {
      method: 'POST',
      body: new Uint8Array(zstdCompressSync(Buffer.alloc(1024 * 1024, '\n'))),
      headers: { 'content-type': 'application/x-ndjson', 'content-encoding': 'zstd' },
    });
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([413, 'body_too_large']);
  });
});
