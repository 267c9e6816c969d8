import { PassThrough } from 'node:stream';
import fastify, { type FastifyPluginCallback, type FastifyRequest } from 'fastify';
import { setActor } from '../context.ts';
import { capture } from '../fastify.ts';
import { type AppOptions, actorOf, authenticate, blockedUser, type RunningApp } from './capture-app.ts';

type User = { readonly id: string };
const users = new WeakMap<FastifyRequest, User>();

/** The contract's routes in Fastify. */
export async function startFastify(options: AppOptions): Promise<RunningApp> {
  const { isActorBroken, ...rest } = options;
  const [slow, silent] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const app = fastify({ forceCloseConnections: true });
  await app.register(capture({ ...rest, actor: (request) => actorOf(users.get(request), isActorBroken) }));
  app.addHook('onRequest', async (request, reply) => {
    const user = authenticate(request.headers.authorization);
    if (user) users.set(request, user);
    else if (request.url === '/private') await reply.code(401).send();
  });

  app.get('/healthz', async () => 'ok');
  app.get('/private', (_request, reply) => reply.code(403).send());
  app.get<{ Params: { id: string } }>('/orders/:id', async (request) => ({ id: request.params.id }));
  app.delete('/orders/:id', (_request, reply) => reply.code(204).send());
  app.post<{ Body: { item: string } }>('/orders', async (request, reply) => {
    await options.recorder.record({ action: 'order.create', metadata: { item: request.body.item } });
    return reply.code(201).send(request.body);
  });
  app.post('/login', (_request, reply) => {
    setActor({ type: 'user', id: 'eve' });
    return reply.code(204).send();
  });
  app.post('/boom', async () => {
    throw new Error('private details');
  });
  app.post('/stream', async (_request, reply) => {
    const body = new PassThrough();
    void (async () => {
      for (const part of ['one ', 'two ', 'three']) {
        body.write(part);
        await new Promise((resolve) => setImmediate(resolve));
      }
      body.end();
    })();
    return reply.send(body);
  });
  app.post('/slow', async (_request, reply) => {
    const body = new PassThrough();
    body.write('begun');
    slow.resolve();
    return reply.send(body);
  });
  app.post('/silent', () => {
    silent.resolve();
    return new Promise(() => undefined);
  });
  const invoices: FastifyPluginCallback = (routes, _options, done) => {
    routes.addHook('preHandler', async (request, reply) => {
      if (users.get(request)?.id === blockedUser) await reply.code(403).send();
    });
    routes.get('/', (_request, reply) => reply.code(500).send());
    routes.post('/:invoiceId/pay', (_request, reply) => reply.code(202).send());
    routes.post('/:invoiceId/boom', async () => {
      throw new Error('private details');
    });
    done();
  };
  const tenants: FastifyPluginCallback = (routes, _options, done) => {
    void routes.register(invoices, { prefix: '/tenants/:tenantId/invoices' });
    done();
  };
  await app.register(tenants, { prefix: '/api' });

  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    url,
    slowStarted: slow.promise,
    silentStarted: silent.promise,
    [Symbol.asyncDispose]: async () => await app.close(),
  };
}
