import type { Recorder } from '@sealtrail/client';
import { Router } from 'express';
import type { RequireRole } from './access.ts';
import { readNewOrder, readReason } from './input.ts';
import type { Sessions } from './sessions.ts';
import { products, type Store } from './store.ts';

/** Products, orders and refunds. */
export function orderRoutes(
  store: Store,
  sessions: Sessions,
  recorder: Recorder,
  requireRole: RequireRole,
): Router {
  const routes = Router();
  const anyone = requireRole('customer', 'support', 'admin');

  routes.get('/products', (_request, response) => {
    response.json(Array.from(products, ([name, priceCents]) => ({ name, priceCents })));
  });

  routes.get('/orders', anyone, (request, response) => {
    const user = sessions.user(request);
    response.json(store.orders(user?.role === 'customer' ? user.id : undefined).slice(-100));
  });

  routes.post('/orders', anyone, (request, response) => {
    const input = readNewOrder(request.body);
    const user = sessions.user(request);
    if (!input || !user) {
      response.status(422).json({ error: 'expected a product and a quantity from 1 to 100' });
      return;
    }
    const order = store.addOrder({ ...input, customerId: user.id });
    void recorder.record({
      action: 'order.create',
      category: 'data_change',
      outcome: 'success',
      targets: [{ type: 'order', id: order.id }],
      metadata: { product: order.product, quantity: order.quantity, totalCents: order.totalCents },
    });
    response.status(201).json(order);
  });

  routes.get('/orders/:orderId', anyone, (request, response) => {
    const user = sessions.user(request);
    const order = store.order(String(request.params['orderId']));
    if (!order) {
      response.status(404).json({ error: 'no such order' });
      return;
    }
    if (user?.role === 'customer' && order.customerId !== user.id) {
      void recorder.record({
        action: 'access.deny',
        category: 'authorization',
        outcome: 'denied',
        severity: 'medium',
        reason: 'the order belongs to another customer',
        targets: [{ type: 'order', id: order.id }],
      });
      response.status(403).json({ error: 'not allowed' });
      return;
    }
    response.json(order);
  });

  routes.post('/orders/:orderId/refund', requireRole('support', 'admin'), async (request, response) => {
    const order = store.order(String(request.params['orderId']));
    const reason = readReason(request.body);
    if (!order || !reason || order.status === 'refunded') {
      response.status(order ? 409 : 404).json({ error: 'expected a paid order and a reason' });
      return;
    }
    // Awaited, and before the money moves: a refund that cannot be recorded does not happen.
    await recorder.record({
      action: 'order.refund',
      category: 'data_change',
      outcome: 'success',
      reason,
      targets: [
        { type: 'order', id: order.id },
        { type: 'user', id: order.customerId },
      ],
      changes: [{ field: 'status', before: order.status, after: 'refunded' }],
      metadata: { totalCents: order.totalCents },
    });
    order.status = 'refunded';
    response.json(order);
  });

  return routes;
}
