import type { AddressInfo } from 'node:net';
import express from 'express';
import { expect, it } from 'vitest';
import { capture } from './express.ts';
import { Collector } from './testing/collector.ts';

it('capture below a mount still says the whole path and the whole route', async () => {
  const collector = new Collector();
  const api = express.Router();
  api.use(capture({ recorder: collector.recorder }));
  api.post('/orders/:id', (_request, response) => void response.end());
  const server = express().use('/api', api).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await fetch(`http://127.0.0.1:${port}/api/orders/4?q=1`, { method: 'POST' });
  const [event] = await collector.got(1);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  expect(event?.context?.http).toMatchObject({ path: '/api/orders/4', route: '/api/orders/:id' });
});
