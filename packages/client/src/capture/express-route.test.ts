import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { expressRoute } from './express-route.ts';

const express4 = createRequire(import.meta.url)('express4') as typeof express;

/** Sends one request to the application, and returns what its template is when the response is over. */
async function routeOf(build: (app: express.Express) => void, lib: typeof express, path: string) {
  const app = lib();
  const found = Promise.withResolvers<string | undefined>();
  app.use((request, response, next) => {
    response.once('finish', () => found.resolve(expressRoute(request)));
    next();
  });
  build(app);
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`)).text();
  server.closeAllConnections();
  server.close();
  return found.promise;
}

const ok: express.RequestHandler = (_request, response) => void response.end();

describe.each([
  ['Express 5', express],
  ['Express 4', express4],
])('expressRoute in %s', (_, lib) => {
  it('is the root where the root answers', async () => {
    expect(await routeOf((app) => app.get('/', ok), lib, '/?q=1')).toBe('/');
  });

  it('is that of the mount the request went through, where a router is mounted twice', async () => {
    const router = lib.Router().get('/:id', ok);
    const build = (app: express.Express): void => {
      app.use('/orders', router);
      app.use('/refunds', router);
    };
    expect(await routeOf(build, lib, '/refunds/5')).toBe('/refunds/:id');
  });

  it('goes through routers in routers, with parameters at each mount', async () => {
    const inner = lib.Router().get('/lines/:line', ok);
    const middle = lib.Router().use('/orders/:order', inner);
    const build = (app: express.Express): unknown => app.use('/shops/:shop', middle);
    expect(await routeOf(build, lib, '/shops/orders/orders/orders/lines/lines')).toBe(
      '/shops/:shop/orders/:order/lines/:line',
    );
  });

  it('goes through mounted applications', async () => {
    const leaf = lib();
    leaf.get('/users/:id', ok);
    const admin = lib();
    admin.use('/v:version', leaf);
    const build = (app: express.Express): void => {
      app.use('/other', lib());
      app.use('/admin/:site', admin);
    };
    expect(await routeOf(build, lib, '/admin/x/v2/users/5')).toBe('/admin/:site/v:version/users/:id');
  });

  it('goes through routers mounted at the root', async () => {
    const router = lib.Router().get('/a/:id', ok);
    expect(await routeOf((app) => app.use(router), lib, '/a/1')).toBe('/a/:id');
  });

  it('picks the path that matched out of several', async () => {
    const router = lib.Router().get(['/one/:id', '/two/:id'], ok);
    const build = (app: express.Express): unknown => app.use(['/a', '/b/:kind'], router);
    expect(await routeOf(build, lib, '/b/x/two/7')).toBe('/b/:kind/two/:id');
  });

  it('shows an expression as it was written', async () => {
    expect(await routeOf((app) => app.get(/^\/x(\d+)$/, ok), lib, '/x42')).toBe(String.raw`/^\/x(\d+)$/`);
  });

  it('is unknown where only middleware answered', async () => {
    expect(await routeOf((app) => app.use('/assets', ok), lib, '/assets/logo.png')).toBeUndefined();
  });

  it('is unknown, and nothing breaks, where the router is of another build', async () => {
    const build = (app: express.Express): void => {
      app.get('/a', (request, response) => {
        Object.defineProperty(request, 'app', {
          get() {
            throw new Error('not here');
          },
        });
        response.end();
      });
    };
    expect(await routeOf(build, lib, '/a')).toBeUndefined();
  });
});

describe('expressRoute where mounts do not keep their paths (router before 2.3)', () => {
  it('puts names in place of the values of parameters', async () => {
    const router = express.Router().get('/:id', ok);
    const build = (app: express.Express): void => {
      app.use('/shops/:shop/orders', router);
      for (const layer of app.router.stack) delete (layer as { rawPath?: unknown }).rawPath;
    };
    expect(await routeOf(build, express, '/shops/caf%C3%A9/orders/5')).toBe('/shops/:shop/orders/:id');
  });
});
