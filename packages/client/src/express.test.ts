import type { AddressInfo } from 'node:net';
import type { Event } from '@sealtrail/core';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { capture } from './express.ts';
import { Collector } from './testing/collector.ts';

describe('capture', () => {
  /** What is recorded of one request with POST. */
  async function recordedOf(
    app: express.Express,
    collector: Collector,
    path: string,
  ): Promise<Event | undefined> {
    const server = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST' });
    const [event] = await collector.got(1);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    return event;
  }

  it.each(['/api/orders/4', '/api'])(
    'below a mount still says the whole path and the whole route: %s',
    async (path) => {
      const collector = new Collector();
      const api = express.Router();
      api.use(capture({ recorder: collector.recorder }));
      api.post('/orders/:id', (_request, response) => void response.end());
      const event = await recordedOf(express().use('/api', api), collector, `${path}?q=1`);
      expect(event?.context?.http).toMatchObject({ path });
      expect(event?.context?.http?.route).toBe(path === '/api' ? undefined : '/api/orders/:id');
    },
  );

  it('ignores by the path that was made of the target before', async () => {
    const collector = new Collector();
    const app = express();
    app.use((request, _response, next) => {
      request.url = request.url.replace(/^\/assets\/old/, '');
      next();
    });
    app.use(capture({ recorder: collector.recorder, ignore: ['/assets/*'] }));
    app.post('/orders/:id', (_request, response) => void response.end());
    const event = await recordedOf(app, collector, '/assets/old/orders/4');
    expect(event?.context?.http).toMatchObject({ path: '/orders/4', route: '/orders/:id' });
  });
});
