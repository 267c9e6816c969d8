import { type Recorder, SealtrailError } from '@sealtrail/client';
import { capture, recordChangesAndRefusals } from '@sealtrail/client/express';
import express, { type ErrorRequestHandler, type Express } from 'express';
import { createRequireRole } from './access.ts';
import { accountRoutes } from './account-routes.ts';
import { adminRoutes } from './admin-routes.ts';
import { orderRoutes } from './order-routes.ts';
import { Sessions } from './sessions.ts';
import { Store } from './store.ts';

export interface ShopOptions {
  /** Where events go: a recorder of `@sealtrail/client`, or the engine in process. */
  readonly recorder: Recorder;
  /** Proxies whose X-Forwarded-For is believed. Default: this machine. */
  readonly trustProxy?: readonly string[];
}

const loopback = ['127.0.0.0/8', '::1'];

/**
 * The sample shop: an Express application to be given to `http.createServer` or to be told to `listen`. Its data is in
 * memory and starts with the sample people.
 */
export function createShop(options: ShopOptions): Express {
  const { recorder, trustProxy = loopback } = options;
  const store = Store.withSampleData();
  const sessions = new Sessions(store);
  const requireRole = createRequireRole(sessions, recorder);

  const shop = express();
  shop.disable('x-powered-by');
  shop.use(
    capture({
      recorder,
      trustProxy,
      actor: (request) => sessions.actor(request),
      // Reading the list of users changes nothing, and still someone will ask who did.
      when: (exchange) => recordChangesAndRefusals(exchange) || exchange.path.startsWith('/admin/'),
    }),
  );
  shop.use(express.json({ limit: '16kb' }));
  shop.use(sessions.middleware);
  shop.get('/healthz', (_request, response) => void response.send('ok'));
  shop.use(accountRoutes(store, sessions, recorder));
  shop.use(orderRoutes(store, sessions, recorder, requireRole));
  shop.use('/admin', adminRoutes(store, recorder, requireRole));
  shop.use((_request, response) => void response.status(404).json({ error: 'nothing here' }));
  shop.use(answerError);
  return shop;
}

/** A client error keeps its status (a body that is no JSON: 400); everything else is ours, and its text stays here. */
const answerError: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (response.headersSent) {
    next(error);
    return;
  }
  if (error instanceof SealtrailError) {
    response.status(503).json({ error: 'this cannot be recorded at the moment, so it was not done' });
    return;
  }
  const given = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  const status = typeof given === 'number' && given >= 400 && given < 500 ? given : 500;
  if (status === 500) console.error(error);
  response
    .status(status)
    .json({ error: status === 500 ? 'something went wrong' : 'the request is not valid' });
};
