import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { stream } from 'hono/streaming';
import { setActor } from '../context.ts';
import { capture } from '../hono.ts';
import { type AppOptions, actorOf, authenticate, blockedUser, type RunningApp } from './capture-app.ts';

interface Env {
  Variables: { user: { readonly id: string } | undefined };
}

/** The contract's routes in Hono on Node. */
export async function startHono(options: AppOptions): Promise<RunningApp> {
  const { isActorBroken, ...rest } = options;
  const [slow, silent] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const app = new Hono<Env>();
  app.use(capture({ ...rest, actor: (c) => actorOf(c.get('user'), isActorBroken) }));
  app.use(async (c, next) => {
    const user = authenticate(c.req.header('authorization'));
    c.set('user', user);
    if (c.req.path === '/private' && !user) return c.body(null, 401);
    return next();
  });

  app.get('/healthz', (c) => c.text('ok'));
  app.get('/private', (c) => c.body(null, 403));
  app.get('/orders/:id', (c) => c.json({ id: c.req.param('id') }));
  app.delete('/orders/:id', (c) => c.body(null, 204));
  app.post('/orders', async (c) => {
    const body = await c.req.json();
    await options.recorder.record({ action: 'order.create', metadata: { item: body.item } });
    return c.json(body, 201);
  });
  app.post('/login', (c) => {
    setActor({ type: 'user', id: 'eve' });
    return c.body(null, 204);
  });
  app.post('/boom', () => {
    throw new Error('private details');
  });
  app.post('/stream', (c) =>
    stream(c, async (body) => {
      for (const part of ['one ', 'two ', 'three']) {
        await body.write(part);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }),
  );
  app.post('/slow', (c) =>
    stream(c, async (body) => {
      await body.write('begun');
      slow.resolve();
      await new Promise<void>((resolve) => body.onAbort(resolve));
    }),
  );

  app.post('/silent', () => {
    silent.resolve();
    return new Promise<Response>(() => undefined);
  });

  const invoices = new Hono<Env>();
  invoices.use(async (c, next) => {
    if (c.get('user')?.id === blockedUser) return c.body(null, 403);
    return next();
  });
  invoices.get('/', (c) => c.body(null, 500));
  invoices.post('/:invoiceId/pay', (c) => c.body(null, 202));
  invoices.post('/:invoiceId/boom', () => {
    throw new Error('private details');
  });
  const tenants = new Hono<Env>();
  tenants.route('/tenants/:tenantId/invoices', invoices);
  app.route('/api', tenants);
  app.onError((_error, c) => c.text('failed', 500));

  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
  await new Promise<void>((resolve) => {
    if (server.listening) resolve();
    else server.once('listening', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    slowStarted: slow.promise,
    silentStarted: silent.promise,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
