import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { capture } from './hono.ts';
import { Collector } from './testing/collector.ts';

it('ignores by the path that getPath has made', async () => {
  const collector = new Collector();
  const app = new Hono({ getPath: ({ url }) => new URL(url).pathname.replace(/^\/assets\/old/, '') });
  app.use(capture({ recorder: collector.recorder, ignore: ['/assets/*'] }));
  app.post('/orders/:id', (c) => c.text('done'));
  app.post('/assets/:name', (c) => c.text('done'));
  for (const path of ['/assets/app.js', '/assets/old/orders/4'])
    expect(await (await app.request(path, { method: 'POST' })).text()).toBe('done');
  const [event] = await collector.got(1);
  expect(event?.context?.http).toMatchObject({ path: '/assets/old/orders/4', route: '/orders/:id' });
});

it('ignores by the path that is left of a target with dots in it, without a connection too', async () => {
  const collector = new Collector();
  const app = new Hono();
  app.use(capture({ recorder: collector.recorder, ignore: ['/assets/*'] }));
  app.post('/orders/:id', (c) => c.text('done'));
  await app.request('/assets/%2e%2e/orders/4', { method: 'POST' });
  const [event] = await collector.got(1);
  expect(event?.context?.http).toMatchObject({ path: '/orders/4', route: '/orders/:id' });
});
