import type { AddressInfo } from 'node:net';
import type express from 'express';
import { setActor } from '../context.ts';
import { capture } from '../express.ts';
import { type AppOptions, actorOf, authenticate, blockedUser, type RunningApp } from './capture-app.ts';

type User = { readonly id: string };
const userOf = (request: express.Request): User | undefined => (request as { user?: User }).user;

/** The contract's routes in Express; the same code runs on version 4 and 5. */
export async function startExpress(express_: typeof express, options: AppOptions): Promise<RunningApp> {
  const { isActorBroken, ...rest } = options;
  const [slow, silent] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const app = express_();
  app.use(capture({ ...rest, actor: (request) => actorOf(userOf(request), isActorBroken) }));
  app.use((request, response, next) => {
    const user = authenticate(request.get('authorization'));
    Object.assign(request, { user });
    if (request.path === '/private' && !user) response.status(401).end();
    else next();
  });
  app.use(express_.json());

  app.get('/healthz', (_request, response) => void response.send('ok'));
  app.get('/private', (_request, response) => void response.status(403).end());
  app
    .route('/orders/:id')
    .get((request, response) => void response.json({ id: request.params.id }))
    .delete((_request, response) => void response.status(204).end());
  app.post('/orders', async (request, response) => {
    await options.recorder.record({ action: 'order.create', metadata: { item: request.body.item } });
    response.status(201).json(request.body);
  });
  app.post('/login', (_request, response) => {
    setActor({ type: 'user', id: 'eve' });
    response.status(204).end();
  });
  app.post('/boom', () => {
    throw new Error('private details');
  });
  app.post('/stream', async (_request, response) => {
    for (const part of ['one ', 'two ', 'three']) {
      response.write(part);
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  });
  app.post('/slow', (_request, response) => {
    response.write('begun');
    slow.resolve();
  });

  app.post('/silent', () => silent.resolve());

  const invoices = express_.Router({ mergeParams: true });
  invoices.use((request, response, next) => {
    if (userOf(request)?.id === blockedUser) response.status(403).end();
    else next();
  });
  invoices.get('/', (_request, response) => void response.status(500).end());
  invoices.post('/:invoiceId/pay', (_request, response) => void response.status(202).end());
  invoices.post('/:invoiceId/boom', () => {
    throw new Error('private details');
  });
  const tenants = express_.Router();
  tenants.use('/tenants/:tenantId/invoices', invoices);
  app.use('/api', tenants);

  app.use(((_error, _request, response, _next) => {
    response.status(500).send('failed');
  }) satisfies express.ErrorRequestHandler);

  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
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
