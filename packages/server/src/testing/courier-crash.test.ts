import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Webhook } from 'standardwebhooks';
import { expect, it } from 'vitest';
import { sampleSecret } from '../channels/testing/sample-targets.ts';
import { numberOf } from '../followers/deliver/testing/delivering.ts';
import { temporaryFolder } from '../sequencer/testing/temporary-folder.ts';

const script = fileURLToPath(new URL('./courier-process.ts', import.meta.url));
const total = 600;

it('a process that is killed at any moment loses no notification and changes no order', async () => {
  using folder = temporaryFolder();
  const received: number[] = [];
  const webhook = new Webhook(sampleSecret);
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      // Some are received and then seem to have failed.
      webhook.verify(body, request.headers as Record<string, string>);
      received.push(numberOf(body));
      response.writeHead(received.length % 17 === 0 ? 503 : 204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a`;
  const messages: unknown[] = [];
  let kills = 0;
  for (let isDone = false; !isDone; ) {
    const child = fork(script, [path.join(folder.dir, 'outbox.db'), url, String(total)], { execArgv: [] });
    const ended = once(child, 'exit');
    const before = received.length;
    child.on('message', (message) => {
      if (message === 'done') isDone = true;
      else messages.push(message);
    });
    // So that each has done something of its own.
    while (received.length < before + 30 && !isDone && child.exitCode === null) await sleep(5);
    await sleep(Math.random() * 40);
    child.kill('SIGKILL');
    await ended;
    kills++;
  }
  server.closeAllConnections();
  server.close();
  expect(messages).toEqual([]);
  expect(kills).toBeGreaterThan(2);
  expect([...new Set(received)]).toEqual(Array.from({ length: total }, (_, i) => i + 1));
});
