import fastify from 'fastify';
import { expect, it } from 'vitest';
import { capture } from './fastify.ts';
import { Collector } from './testing/collector.ts';

it('ignores by the path that rewriteUrl has made, and records it', async () => {
  const collector = new Collector();
  const app = fastify({ rewriteUrl: ({ url }) => (url ?? '/').replace(/^\/assets\/old/, '') });
  await app.register(capture({ recorder: collector.recorder, ignore: ['/assets/*'] }));
  app.post('/orders/:id', async () => 'done');
  const { body } = await app.inject({ method: 'POST', url: '/assets/old/orders/4?q=1' });
  await app.close();
  expect(body).toBe('done');
  const [event] = await collector.got(1);
  expect(event?.context?.http).toMatchObject({ path: '/orders/4', route: '/orders/:id' });
});
