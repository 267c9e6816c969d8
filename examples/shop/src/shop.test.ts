import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRecorder, type EncodedEvent, type Event, SealtrailError } from '@sealtrail/client';
import { eventSchema } from '@sealtrail/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createShop } from './shop.ts';
import { people } from './store.ts';
import { driveTraffic } from './traffic/traffic.ts';
import { Visitor } from './traffic/visitor.ts';

let server: Server;
let shopUrl: string;
let events: Event[];
let recorder: ReturnType<typeof createRecorder>;
let isRefusing: boolean;

const receiptOf = ({ id }: EncodedEvent) => ({ id, trail: 'main', index: 0, leafHash: '' });

beforeEach(async () => {
  events = [];
  isRefusing = false;
  recorder = createRecorder({
    lingerMs: 0,
    onError: () => undefined,
    transport: async (batch) => {
      if (isRefusing) {
        return { kind: 'refused', error: new SealtrailError('storage_unavailable'), divisible: false };
      }
      for (const { json } of batch) events.push(eventSchema.parse(JSON.parse(json)));
      return { kind: 'answered', outcomes: batch.map(receiptOf) };
    },
  });
  server = createServer(createShop({ recorder }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  shopUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await recorder.close();
});

const visitor = (ip = '192.0.2.7'): Visitor =>
  new Visitor(shopUrl, { ip, userAgent: 'Firefox/150' }, new AbortController().signal);
async function signedIn(name: string): Promise<Visitor> {
  const person = people.find((candidate) => candidate.name === name)!;
  const someone = visitor();
  expect(await someone.signIn(person.email, person.password)).toBeDefined();
  return someone;
}
const recorded = (action: string): Event[] => events.filter((event) => event.action === action);

describe('the shop', () => {
  it('records a sign-in with who and from where', async () => {
    await signedIn('Ada');
    await recorder.flush();
    expect(recorded('user.login')).toMatchObject([
      {
        outcome: 'success',
        actor: { type: 'user', name: 'Ada' },
        source: { ip: '192.0.2.7', userAgent: 'Firefox/150' },
      },
    ]);
  });

  it.each([
    ['ada@shop.example.test', 'wrong password'],
    ['nobody@shop.example.test', 'no such user'],
  ])('answers a failed sign-in of %s like any other, and records why', async (email, reason) => {
    const answer = await visitor().send('POST', '/session', { email, password: 'guess' });
    await recorder.flush();
    expect(answer).toEqual({ status: 401, body: '{"error":"wrong email address or password"}' });
    expect(recorded('user.login')).toMatchObject([
      { outcome: 'failure', reason, actor: { type: 'anonymous' }, targets: [{ type: 'user', name: email }] },
    ]);
  });

  it('records a refund by support with the change, and refuses a second one', async () => {
    const support = await signedIn('Dinesh');
    const body = { reason: 'arrived broken' };
    const first = await support.send('POST', '/orders/ord_1001/refund', body);
    const second = await support.send('POST', '/orders/ord_1001/refund', body);
    expect([first.status, second.status]).toEqual([200, 409]);
    expect(recorded('order.refund')).toMatchObject([
      { actor: { name: 'Dinesh' }, changes: [{ field: 'status', before: 'paid', after: 'refunded' }] },
    ]);
  });

  it('does not refund what it cannot record', async () => {
    const support = await signedIn('Dinesh');
    isRefusing = true;
    const answer = await support.send('POST', '/orders/ord_1001/refund', { reason: 'arrived broken' });
    expect(answer.status).toBe(503);
    const order = JSON.parse((await support.send('GET', '/orders/ord_1001')).body) as { status: string };
    expect(order.status).toBe('paid');
  });

  it.each([
    ['a customer to administration', 'Ada', 'GET', '/admin/users'],
    ['a customer to a refund', 'Ada', 'POST', '/orders/ord_1001/refund'],
    ['a customer to the order of another', 'Ben', 'GET', '/orders/ord_1001'],
    ['support to an export', 'Dinesh', 'GET', '/admin/exports/users.csv'],
  ])('denies %s, and records it', async (_, name, method, path) => {
    const { status } = await (await signedIn(name)).send(method, path);
    await recorder.flush();
    expect(status).toBe(403);
    expect(recorded('access.deny')).toMatchObject([{ outcome: 'denied', actor: { name } }]);
  });

  it('records an export with its number of rows, and disarms formulas in it', async () => {
    await visitor().send('POST', '/accounts', {
      name: '-cmd',
      email: 'f@mail.example.test',
      password: 'long enough',
    });
    const { body } = await (await signedIn('Grace')).send('GET', '/admin/exports/users.csv');
    expect(body).toContain(`,'-cmd,`);
    expect(recorded('export.download')).toMatchObject([
      { targets: [{ type: 'export', id: 'users.csv' }], metadata: { rows: people.length + 1 } },
    ]);
  });

  it.each<[string, string, object | undefined]>([
    ['/session', 'no body', undefined],
    ['/session', 'an object as a password', { email: 'ada@shop.example.test', password: {} }],
    ['/accounts', 'a short password', { name: 'Eve', email: 'eve@mail.example.test', password: 'short' }],
    [
      '/accounts',
      'an address that is taken',
      { name: 'Eve', email: 'ada@shop.example.test', password: 'long enough' },
    ],
  ])('refuses %s with %s', async (path, _, body) => {
    expect((await visitor().send('POST', path, body)).status).toBe(422);
  });
});

describe('driveTraffic', () => {
  it('makes the same steps from the same seed, and keeps passwords out of the log', async () => {
    const steps: string[] = [];
    await driveTraffic({ shopUrl, rounds: 2, seed: 7, onStep: (step) => steps.push(step) });
    await recorder.flush();
    const first = steps.splice(0);
    expect(JSON.stringify(events)).not.toMatch(/correct horse|sunshine|m4llory/);
    server.removeAllListeners('request');
    server.on('request', createShop({ recorder }));
    await driveTraffic({ shopUrl, rounds: 2, seed: 7, onStep: (step) => steps.push(step) });
    expect(steps).toEqual(first);
  });

  it('contains an attack: guesses until one is right, a new admin, and exports, all from one address', async () => {
    await driveTraffic({ shopUrl, rounds: 1 });
    await recorder.flush();
    const attacker = events.find((event) => event.source?.ip?.startsWith('203.0.113.'))!.source!.ip;
    const trace = events
      .filter(({ source, category }) => source?.ip === attacker && category !== 'api_activity')
      .map(({ action, outcome }) => `${action} ${outcome}`);
    expect(trace).toEqual([
      'user.create success',
      'user.login success',
      'access.deny denied',
      ...Array.from({ length: 13 }, () => 'user.login failure'),
      'user.login success',
      'role.change success',
      ...Array.from({ length: 6 }, () => 'export.download success'),
    ]);
  });

  it('goes on until the signal ends it, and then resolves', async () => {
    const end = new AbortController();
    let steps = 0;
    await driveTraffic({
      shopUrl,
      signal: end.signal,
      pauseMs: 0,
      onStep: () => {
        steps++;
        if (steps === 3) end.abort();
      },
    });
    expect(steps).toBe(3);
  });

  it('ends when its time is over', async () => {
    await driveTraffic({ shopUrl, durationMs: 1, pauseMs: 0 });
  });
});
