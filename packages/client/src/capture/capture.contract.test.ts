import { request } from 'node:http';
import { createRequire } from 'node:module';
import type { Event } from '@sealtrail/core';
import express from 'express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Recorder } from '../recorder.ts';
import { type AppOptions, blockedUser, type Framework, type RunningApp } from '../testing/capture-app.ts';
import { Collector } from '../testing/collector.ts';
import { startExpress } from '../testing/express-app.ts';
import { startFastify } from '../testing/fastify-app.ts';
import { startHono } from '../testing/hono-app.ts';

const express4 = createRequire(import.meta.url)('express4') as typeof express;

const frameworks: readonly Framework[] = [
  { name: 'Express 5', start: (options) => startExpress(express, options) },
  { name: 'Express 4', start: (options) => startExpress(express4, options) },
  { name: 'Fastify 5', start: startFastify },
  { name: 'Hono 4', start: startHono },
];

/** Ways to write `/orders/1`, for one framework or another, and to let it look like something to ignore. */
const spellings = [
  ...[
    '/orders/1',
    '/orders/1/',
    '//orders/1',
    '/ORDERS/1',
    '/%6frders/1',
    '/orders/1;/assets/x',
    '/orders/1?/assets/x',
  ],
  ...['/assets/../orders/1', '/assets/./../orders/1', '/assets//../../orders/1', '/healthz/../orders/1'],
  ...[
    '/assets/%2e%2e/orders/1',
    '/assets/.%2E/orders/1',
    '/assets/..%2forders/1',
    '/assets/%252e%252e/orders/1',
  ],
  ...['/assets/..;/orders/1', '/assets/..%3b/orders/1', '/assets\\..\\orders\\1', '/assets/..%5corders/1'],
  ...['/healthz?/../orders/1', '/healthz#/../orders/1', '/healthz;/../orders/1', '/healthz%3f/../orders/1'],
  ...['http://app/orders/1', 'http://app/assets/../orders/1', 'HTTP://app/assets/%2e%2e/orders/1'],
  ...[
    'http://app?/assets/../orders/1',
    'http://app?/orders/1',
    'http://assets/orders/1',
    'http:/assets/../orders/1',
  ],
];

describe.each(frameworks)('capture in $name', ({ start }) => {
  let app: RunningApp;
  let collector: Collector;
  const running: RunningApp[] = [];

  const startWith = async (options: Partial<AppOptions> = {}): Promise<RunningApp> => {
    const started = await start({ recorder: collector.recorder, ...options });
    running.push(started);
    return started;
  };
  const send = (path: string, init: RequestInit = {}): Promise<Response> => fetch(app.url + path, init);
  /** Sends a request, reads the response to its end, and returns the event recorded about it. */
  const eventOf = async (path: string, init: RequestInit = {}): Promise<Event> => {
    const before = collector.events.length;
    await (await send(path, init)).arrayBuffer();
    return (await collector.got(before + 1))[before]!;
  };
  /** Everything recorded up to now: another request comes after it and is recorded last. */
  const recordedSoFar = async (): Promise<readonly Event[]> => {
    await send('/orders/last', { method: 'DELETE' });
    const isLast = (event: Event): boolean => event.context?.http?.path === '/orders/last';
    while (!collector.events.some(isLast)) await collector.got(collector.events.length + 1);
    return collector.events.filter((event) => !isLast(event));
  };
  /** The status of a request whose target is sent as it is: fetch would put it into normal form before. */
  const statusOf = (target: string): Promise<number | undefined> => {
    const { hostname, port } = new URL(app.url);
    return new Promise((resolve, reject) => {
      request({ hostname, port, method: 'DELETE', path: target }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      })
        .on('error', reject)
        .end();
    });
  };
  const json = (body: object): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

  beforeEach(async () => {
    collector = new Collector();
    app = await startWith();
  });
  afterEach(async () => {
    for (const started of running.splice(0)) await started[Symbol.asyncDispose]();
    await collector.recorder.close();
  });

  describe('what an event says', () => {
    it('has method, route template, path without query, status, duration and outcome', async () => {
      const event = await eventOf('/orders/42?token=secret', { method: 'DELETE' });
      expect(event).toMatchObject({
        action: 'http.delete',
        category: 'api_activity',
        outcome: 'success',
        context: {
          http: {
            method: 'DELETE',
            route: '/orders/:id',
            path: '/orders/42',
            status: 204,
            durationMs: expect.any(Number),
          },
        },
      });
      expect(JSON.stringify(event)).not.toContain('secret');
    });

    it('has the prefixes of mounted routers in the template, with their parameters', async () => {
      const event = await eventOf('/api/tenants/7/invoices/in%20voice/pay', { method: 'POST' });
      expect(event.context?.http).toMatchObject({
        route: '/api/tenants/:tenantId/invoices/:invoiceId/pay',
        path: '/api/tenants/7/invoices/in%20voice/pay',
      });
    });

    it('names the root of a mounted router without a trailing slash', async () => {
      const { context } = await eventOf('/api/tenants/7/invoices');
      expect(context?.http).toMatchObject({ route: '/api/tenants/:tenantId/invoices', status: 500 });
    });

    it('has address, port and user agent of the client', async () => {
      const { source } = await eventOf('/login', {
        method: 'POST',
        headers: { 'user-agent': 'Firefox/150' },
      });
      expect(source).toEqual({ ip: '127.0.0.1', port: expect.any(Number), userAgent: 'Firefox/150' });
    });

    it('has request id and trace of the caller', async () => {
      const headers = {
        'x-request-id': 'req-1.a:b',
        traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      };
      const { context } = await eventOf('/login', { method: 'POST', headers });
      expect(context).toMatchObject({
        requestId: 'req-1.a:b',
        traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
        spanId: '00f067aa0ba902b7',
      });
    });

    it('has a request id of its own in place of one that is not well formed', async () => {
      const headers = { 'x-request-id': 'a b"c', traceparent: '00-zz-00f067aa0ba902b7-01' };
      const { context } = await eventOf('/login', { method: 'POST', headers });
      expect(context?.requestId).toMatch(/^[0-9a-f-]{36}$/);
      expect(context).not.toHaveProperty('traceId');
    });

    it('has the names that the application gives to action and targets, and its tenant', async () => {
      app = await startWith({
        action: () => 'order.delete',
        targets: ({ path }) => [{ type: 'order', id: path.split('/')[2] }],
        tenant: () => 'acme',
        trail: 'web',
      });
      expect(await eventOf('/orders/42', { method: 'DELETE' })).toMatchObject({
        action: 'order.delete',
        targets: [{ type: 'order', id: '42' }],
        tenant: 'acme',
        trail: 'web',
      });
    });
  });

  describe('which requests are recorded', () => {
    it('reading that succeeds is not', async () => {
      await send('/orders/42');
      expect(await recordedSoFar()).toEqual([]);
    });

    it.each([
      ['without a known user', {}, 401],
      ['without the right', { authorization: 'User ada' }, 403],
    ])('reading that is denied is: %s', async (_, headers, status) => {
      const event = await eventOf('/private', { headers });
      expect(event.outcome).toBe('denied');
      expect(event.context?.http).toMatchObject({ status, route: '/private' });
    });

    it('what middleware of a mounted router refuses is, with the route it was for', async () => {
      const event = await eventOf('/api/tenants/7/invoices/9/pay', {
        method: 'POST',
        headers: { authorization: `User ${blockedUser}` },
      });
      expect(event).toMatchObject({
        outcome: 'denied',
        actor: { id: blockedUser },
        context: { http: { status: 403, route: '/api/tenants/:tenantId/invoices/:invoiceId/pay' } },
      });
    });

    it('what fails in middleware is, with the route it was for', async () => {
      const event = await eventOf('/orders/42', { headers: { authorization: 'Broken' } });
      expect(event).toMatchObject({
        outcome: 'failure',
        context: { http: { status: 500, route: '/orders/:id', path: '/orders/42' } },
      });
      expect(JSON.stringify(event)).not.toContain('private details');
    });

    it.each(['/.env', '/orders/42/lines', '/api/tenants/7/invoices/9/lines'])(
      'what is not there is, without a route: %s',
      async (path) => {
        const event = await eventOf(path);
        expect(event).toMatchObject({ outcome: 'failure', context: { http: { path, status: 404 } } });
        expect(event.context?.http).not.toHaveProperty('route');
      },
    );

    it('paths to ignore are not', async () => {
      await send('/healthz', { method: 'GET' });
      await send('/healthz', { method: 'POST' });
      expect(await recordedSoFar()).toEqual([]);
    });

    it('whatever a handler has answered is, however its address is spelled', async () => {
      app = await startWith({ ignore: ['/healthz', '/assets/*'] });
      const answers: [target: string, status: number | undefined][] = [];
      for (const target of spellings) answers.push([target, await statusOf(target)]);
      const handled = answers.filter(([, status]) => status === 204);
      expect(handled).not.toEqual([]);
      const routes = (await recordedSoFar()).map(({ context }) => context?.http?.route);
      expect([routes.filter((route) => route === '/orders/:id').length, answers]).toEqual([
        handled.length,
        answers,
      ]);
    });

    it('the rule of the application decides', async () => {
      app = await startWith({ when: ({ route, method }) => method === 'GET' || route === '/orders/:id' });
      await send('/login', { method: 'POST' });
      await send('/orders/1');
      expect((await recordedSoFar()).map((event) => event.action)).toEqual(['http.get']);
    });

    it('each request of a kept connection is, once', async () => {
      for (const id of ['1', '2', '3']) await send(`/orders/${id}`, { method: 'DELETE' });
      const paths = (await recordedSoFar()).map((event) => event.context?.http?.path);
      expect(paths).toEqual(['/orders/1', '/orders/2', '/orders/3']);
    });
  });

  describe('who acted', () => {
    it('is known although authentication comes after capture', async () => {
      const event = await eventOf('/orders/1', { method: 'DELETE', headers: { authorization: 'User ada' } });
      expect(event.actor).toEqual({ type: 'user', id: 'ada' });
    });

    it('is anonymous when nobody is signed in', async () => {
      const event = await eventOf('/orders/1', { method: 'DELETE' });
      expect(event.actor).toEqual({ type: 'anonymous' });
    });

    it('is whom the handler signs in', async () => {
      expect((await eventOf('/login', { method: 'POST' })).actor).toEqual({ type: 'user', id: 'eve' });
    });

    it('is left out when looking it up fails, and the request goes on', async () => {
      const errors: unknown[] = [];
      app = await startWith({ isActorBroken: true, onError: (error) => errors.push(error) });
      const event = await eventOf('/orders/1', { method: 'DELETE' });
      expect(event).not.toHaveProperty('actor');
      expect(event.context?.http?.status).toBe(204);
      expect(errors).toEqual([expect.objectContaining({ message: 'broken actor' })]);
    });
  });

  describe('where the client is', () => {
    const post = (forwardedFor: string): RequestInit => ({
      method: 'POST',
      headers: { 'x-forwarded-for': forwardedFor },
    });

    it('is not what an untrusted peer claims', async () => {
      expect((await eventOf('/login', post('203.0.113.9'))).source?.ip).toBe('127.0.0.1');
    });

    it('is what a trusted proxy saw, without the port of the proxy', async () => {
      app = await startWith({ trustProxy: ['127.0.0.0/8'] });
      const { source } = await eventOf('/login', post('198.51.100.1, 203.0.113.9'));
      expect(source?.ip).toBe('203.0.113.9');
      expect(source).not.toHaveProperty('port');
    });

    it('is found behind several trusted proxies', async () => {
      app = await startWith({ trustProxy: ['127.0.0.1', '10.0.0.0/8'] });
      const { source } = await eventOf('/login', post('6.6.6.6, 2001:DB8::1, 10.1.2.3, ::ffff:10.0.0.1'));
      expect(source?.ip).toBe('2001:db8::1');
    });
  });

  describe('events that handlers record', () => {
    it('have the request id, source and actor of the request', async () => {
      await send('/orders', {
        ...json({ item: 'tea' }),
        headers: { 'content-type': 'application/json', authorization: 'User ada', 'user-agent': 'curl/8' },
      });
      const [explicit, captured] = await collector.got(2);
      expect(explicit).toMatchObject({
        action: 'order.create',
        actor: { type: 'user', id: 'ada' },
        source: { ip: '127.0.0.1', userAgent: 'curl/8' },
        context: { http: { method: 'POST', path: '/orders' } },
        metadata: { item: 'tea' },
      });
      expect(captured?.action).toBe('http.post');
      expect(captured?.context?.requestId).toBe(explicit?.context?.requestId);
    });

    it('have it too when the body comes long after the head of the request', async () => {
      const hasBegun = Promise.withResolvers<void>();
      app = await startWith({
        requestId: () => {
          hasBegun.resolve();
          return 'slow-body';
        },
      });
      const headers = { 'content-type': 'application/json', authorization: 'User ada' };
      const outgoing = request(`${app.url}/orders`, { method: 'POST', headers });
      outgoing.flushHeaders();
      await hasBegun.promise;
      outgoing.write('{"item":');
      outgoing.end('"tea"}');
      const [explicit] = await collector.got(2);
      expect(explicit).toMatchObject({ actor: { id: 'ada' }, context: { requestId: 'slow-body' } });
    });

    it('of parallel requests do not mix', async () => {
      const users = Array.from({ length: 20 }, (_, i) => `user${i}`);
      await Promise.all(
        users.map((user) =>
          send('/orders', {
            ...json({ item: user }),
            headers: { 'content-type': 'application/json', authorization: `User ${user}` },
          }),
        ),
      );
      const explicit = (await recordedSoFar()).filter((event) => event.action === 'order.create');
      expect(explicit.map((event) => event.actor?.id)).toEqual(
        explicit.map((event) => event.metadata?.['item']),
      );
      expect(new Set(explicit.map((event) => event.actor?.id))).toEqual(new Set(users));
    });
  });

  describe('responses that are not plain', () => {
    it.each([
      ['/boom', '/boom'],
      ['/api/tenants/7/invoices/9/boom', '/api/tenants/:tenantId/invoices/:invoiceId/boom'],
    ])('an error thrown at %s is a failure, and its text stays out', async (path, route) => {
      const event = await eventOf(path, { method: 'POST' });
      expect(event).toMatchObject({ outcome: 'failure', context: { http: { status: 500, route } } });
      expect(JSON.stringify(event)).not.toContain('private details');
    });

    it('a stream arrives whole and is recorded at its end', async () => {
      const response = await send('/stream', { method: 'POST' });
      expect(await response.text()).toBe('one two three');
      const [event] = await collector.got(1);
      expect(event).toMatchObject({
        outcome: 'success',
        context: { http: { route: '/stream', status: 200 } },
      });
    });

    it('a client that leaves before there is an answer leaves an outcome unknown, and no status', async () => {
      const leaving = new AbortController();
      const response = send('/silent', { method: 'POST', signal: leaving.signal }).catch(() => undefined);
      await app.silentStarted;
      leaving.abort();
      await response;
      const [event] = await collector.got(1);
      expect(event).toMatchObject({
        outcome: 'unknown',
        reason: expect.any(String),
        context: { http: { route: '/silent' } },
      });
      expect(event?.context?.http).not.toHaveProperty('status');
    });

    it('a client that leaves before the end leaves an outcome unknown', async () => {
      const leaving = new AbortController();
      const response = await send('/slow', { method: 'POST', signal: leaving.signal });
      await app.slowStarted;
      leaving.abort();
      await response.text().catch(() => undefined);
      const [event] = await collector.got(1);
      expect(event).toMatchObject({
        outcome: 'unknown',
        reason: expect.any(String),
        context: { http: { route: '/slow', status: 200 } },
      });
    });
  });

  describe('the application', () => {
    it('answers the same, header by header, with and without capture', async () => {
      const captured = app;
      const plain = await startWith({ ignore: ['/*'] });
      for (const [path, init] of [
        ['/orders/1', {}],
        ['/orders', json({ item: 'tea' })],
        ['/stream', { method: 'POST' }],
        ['/boom', { method: 'POST' }],
        ['/nowhere', {}],
        ['/orders/1', { method: 'HEAD' }],
      ] as const) {
        const answers = await Promise.all([captured, plain].map(({ url }) => fetch(url + path, init)));
        const [a, b] = await Promise.all(
          answers.map(async (response) => ({
            status: response.status,
            headers: Object.fromEntries([...response.headers].filter(([name]) => name !== 'date')),
            body: await response.text(),
          })),
        );
        expect(a).toEqual(b);
      }
    });

    const broken = (record: Recorder['record']): Recorder => ({
      record,
      flush: async () => undefined,
      close: async () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    });
    it.each([
      ['rejects', broken(() => Promise.reject(new Error('cannot')))],
      [
        'throws',
        broken(() => {
          throw new Error('cannot');
        }),
      ],
    ])('does not notice a recorder that %s', async (_, recorder) => {
      const failed = Promise.withResolvers<unknown>();
      app = await startWith({ recorder, onError: failed.resolve });
      expect((await send('/orders/1', { method: 'DELETE' })).status).toBe(204);
      expect(await failed.promise).toMatchObject({ message: 'cannot' });
    });

    it('does not notice rules that throw, and the request is recorded', async () => {
      const errors: unknown[] = [];
      const fail = (): never => {
        throw new Error('broken rule');
      };
      app = await startWith({
        when: fail,
        action: fail,
        targets: fail,
        tenant: fail,
        onError: (error) => {
          errors.push(error);
          throw new Error('broken handler');
        },
      });
      const event = await eventOf('/orders/1', { method: 'DELETE' });
      expect(event).toMatchObject({ action: 'http.delete', context: { http: { status: 204 } } });
      expect(errors.length).toBeGreaterThanOrEqual(4);
    });
  });
});
