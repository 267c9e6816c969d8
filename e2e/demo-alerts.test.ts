import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRecorder } from '@sealtrail/client';
import type { AlertPage, Channel, Notification } from '@sealtrail/core';
import { createShop, driveTraffic } from '@sealtrail/example-shop';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Receiver } from './support/receiver.ts';
import { adminSecret, startServer, type TestServer } from './support/server.ts';

/** What the attack of the demo is: nothing else is to be told of. */
const story = [
  // Its password was guessed, and was right.
  'Password guessing against one account',
  'Sign-in of an account, known by e-mail address, after its password was guessed at',
  // With it, another account was made an administrator.
  "Administrator's rights granted",
  'New account made an administrator',
  'Refused, then made an administrator',
  'Role of administrators granted after the granting account was guessed at, account known by e-mail address',
  // That one took the data.
  'Burst of exports',
  'Actor of whom much was found',
];

const listen = (server: Server): Promise<string> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    });
  });

describe('the attack of the demo', () => {
  let receiver: Receiver;
  let server: TestServer;
  let channel: Channel & { readonly secret: string };
  let shop: Server;

  beforeAll(async () => {
    receiver = await Receiver.start();
    server = await startServer({
      detection: true,
      detectionLatenessMs: 1000,
      allowedTargets: ['127.0.0.1'],
    });
    channel = await server.json('/v1/channels', {
      method: 'POST',
      body: JSON.stringify({ name: 'on call', target: { kind: 'webhook', url: receiver.url } }),
      headers: { 'content-type': 'application/json' },
    });
    const recorder = createRecorder({ url: server.url, token: adminSecret });
    shop = createServer(createShop({ recorder }));
    await driveTraffic({ shopUrl: await listen(shop), rounds: 3 });
    await recorder.close();
  }, 60_000);
  afterAll(async () => {
    shop.closeAllConnections();
    shop.close();
    await receiver[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  it('raises alerts that tell its story, and no others', async () => {
    await vi.waitFor(
      async () => {
        const { alerts } = await server.json<AlertPage>('/v1/alerts?trail=main&minLevel=medium');
        expect(alerts.map(({ rule }) => rule.title).sort()).toEqual([...story].sort());
      },
      { timeout: 30_000 },
    );
  });

  it('reaches a webhook, whose signatures verify, once for each alert', async () => {
    const { received } = receiver;
    await vi.waitFor(() => expect(received.length).toBeGreaterThanOrEqual(story.length - 3), {
      timeout: 30_000,
    });
    const webhook = new Webhook(channel.secret);
    const told = received.map(({ headers, body }) => webhook.verify(body, headers) as Notification);
    const opened = told.filter(({ type }) => type === 'alert.opened').map(({ data }) => data.alert.id);
    expect(new Set(opened).size).toBe(opened.length);
    expect(told.map(({ data }) => data.alert.rule.title)).toContain('New account made an administrator');
    // Addresses are personal, and the channel is not said to be allowed them.
    for (const { body } of received) expect(body).not.toMatch(/203\.0\.113\.\d*[1-9]\d*(?!\d*\/)"/);
    expect(() => webhook.verify(received[0]!.body.replace('open', 'shut'), received[0]!.headers)).toThrow();
  });
});
