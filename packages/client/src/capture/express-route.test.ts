import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { expectedExpressRoute, expressRoute } from './express-route.ts';

const express4 = createRequire(import.meta.url)('express4') as typeof express;

type Build = (app: express.Express) => void;

/** Sends one request to the application, and returns what its template is when the response is over. */
async function routeOf(
  build: Build,
  lib: typeof express,
  path: string,
  { find = expressRoute, method = 'GET' } = {},
): Promise<string | undefined> {
  const app = lib();
  const found = Promise.withResolvers<string | undefined>();
  app.use((request, response, next) => {
    response.once('finish', () => found.resolve(find(request)));
    next();
  });
  build(app);
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { method })).text();
  server.closeAllConnections();
  server.close();
  return found.promise;
}

const ok: express.RequestHandler = (_request, response) => void response.end();
const refuse: express.RequestHandler = (_request, response) => void response.status(401).end();

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

  it.each([
    ['/shops/alice/5', /\/shops\/\w+/],
    ['/shops/alice/5', /^\/SHOPS\/a[a-z]*/i],
    ['/shops/7/5', /^\/shops\/\d/],
  ])('shows no text of %s that the expression of a mount, %s, may have matched', async (path, mount) => {
    const router = lib.Router().get('/:id', ok);
    expect(await routeOf((app) => app.use(mount, router), lib, path)).toBe(
      `${String(mount).replace(/\/$/, '')}/:id`,
    );
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
  const mountedAt = (mount: string | RegExp, path: string): Promise<string | undefined> => {
    const build = (app: express.Express): void => {
      app.use(mount, express.Router().get('/:id', ok));
      for (const layer of app.router.stack) delete (layer as { rawPath?: unknown }).rawPath;
    };
    return routeOf(build, express, path);
  };

  it.each([
    ['/shops/:shop/orders', '/shops/caf%C3%A9/orders/5', '/shops/:shop/orders/:id'],
    ['/:a/:b', '/b/a/5', '/:a/:b/:id'],
    ['/v1/api-z', '/v1/api-z/5', '/v1/api-z/:id'],
  ])('puts names in place of the values of parameters: %s', async (mount, path, route) => {
    expect(await mountedAt(mount, path)).toBe(route);
  });

  it.each([
    ['/v:version', '/v2/5'],
    ['/shops/:shop', '/shops/shops/5'],
    [/^\/users\/[^/]+/, '/users/alice/5'],
    [/^\/users\/\d+/, '/users/7/5'],
  ])('shows nothing of a mount whose values cannot be told: %s', async (mount, path) => {
    expect(await mountedAt(mount, path)).toBe('/*/:id');
  });
});

describe.each([
  ['Express 5', express],
  ['Express 4', express4],
])('expectedExpressRoute in %s', (_, lib) => {
  const expected = (build: Build, path: string, method = 'GET'): Promise<string | undefined> =>
    routeOf(build, lib, path, { find: expectedExpressRoute, method });

  it('is the first route for the method of the request that middleware refused', async () => {
    const build = (app: express.Express): void => {
      app.use(refuse);
      app.get('/orders/:order', ok);
      app.post('/orders/:id', ok);
      app.all('/:kind/:id', ok);
    };
    const routes = ['GET', 'HEAD', 'POST', 'DELETE'].map((method) => expected(build, '/orders/5', method));
    expect(await Promise.all(routes)).toEqual([
      '/orders/:order',
      '/orders/:order',
      '/orders/:id',
      '/:kind/:id',
    ]);
  });

  it('goes through mounted routers, whichever of them refused', async () => {
    const inner = lib.Router().use(refuse).get('/lines/:line', ok);
    const outer = lib.Router().use('/orders/:order', inner);
    const build = (app: express.Express): unknown => app.use('/shops/:shop', outer);
    expect(await expected(build, '/shops/a/orders/5/lines/6?q=1')).toBe(
      '/shops/:shop/orders/:order/lines/:line',
    );
  });

  it('goes through the mounted application that refused', async () => {
    const admin = lib();
    admin.use(refuse);
    admin.get('/users/:id', ok);
    expect(await expected((app) => app.use('/admin', admin), '/admin/users/5')).toBe('/admin/users/:id');
  });

  it('is unknown where an application may have been meant that was not reached', async () => {
    const admin = lib();
    admin.get('/users/:id', ok);
    const build = (app: express.Express): void => {
      app.use(refuse);
      app.get('/admin/health', ok);
      app.use('/admin', admin);
      app.get('/:any/:thing/:more', ok);
    };
    expect(await expected(build, '/admin/health')).toBe('/admin/health');
    expect(await expected(build, '/admin/users/5')).toBeUndefined();
    expect(await expected(build, '/other/users/5')).toBe('/:any/:thing/:more');
  });

  it('is unknown where no route is for it, and where one has matched', async () => {
    const build = (app: express.Express): void => {
      app.use('/orders', refuse);
      app.get('/orders/:id', ok);
      app.get('/users/:id', ok);
    };
    const routes = [
      ['/orders/5', 'POST'],
      ['/orders/5/lines', 'GET'],
      ['/users/5', 'GET'],
    ].map(([path, method]) => expected(build, path!, method!));
    expect(await Promise.all(routes)).toEqual([undefined, undefined, undefined]);
  });
});
