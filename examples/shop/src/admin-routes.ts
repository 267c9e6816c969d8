import type { Recorder } from '@sealtrail/client';
import { Router } from 'express';
import type { RequireRole } from './access.ts';
import { readRole } from './input.ts';
import type { Store } from './store.ts';

/** User administration and CSV exports. Mounted at `/admin`. */
export function adminRoutes(store: Store, recorder: Recorder, requireRole: RequireRole): Router {
  const routes = Router();
  routes.use(requireRole('admin'));

  routes.get('/users', (_request, response) => {
    response.json(store.users().map(({ id, name, email, role }) => ({ id, name, email, role })));
  });

  routes.put('/users/:userId/role', async (request, response) => {
    const user = store.user(request.params.userId);
    const role = readRole(request.body);
    if (!user || !role) {
      response.status(user ? 422 : 404).json({ error: 'expected a user, and customer, support or admin' });
      return;
    }
    // Awaited, and before it takes effect: rights that cannot be recorded are not given.
    await recorder.record({
      action: 'role.change',
      category: 'access_management',
      outcome: 'success',
      severity: role === 'admin' ? 'high' : 'medium',
      targets: [{ type: 'user', id: user.id, name: user.email }],
      changes: [{ field: 'role', before: user.role, after: role }],
    });
    user.role = role;
    response.json({ id: user.id, role: user.role });
  });

  routes.get('/exports/:name', async (request, response) => {
    const { name } = request.params;
    const rows =
      name === 'users.csv' ? userRows(store) : name === 'orders.csv' ? orderRows(store) : undefined;
    if (!rows) {
      response.status(404).json({ error: 'expected users.csv or orders.csv' });
      return;
    }
    await recorder.record({
      action: 'export.download',
      category: 'data_access',
      outcome: 'success',
      severity: 'medium',
      targets: [{ type: 'export', id: name }],
      metadata: { rows: rows.length - 1 },
    });
    response.attachment(name).type('text/csv').send(rows.map(csvLine).join(''));
  });

  return routes;
}

function userRows(store: Store): string[][] {
  const rows = store.users().map(({ id, name, email, role }) => [id, name, email, role]);
  return [['id', 'name', 'email', 'role'], ...rows];
}

function orderRows(store: Store): string[][] {
  const rows = store
    .orders()
    .map((order) => [order.id, order.customerId, order.product, String(order.totalCents), order.status]);
  return [['id', 'customer', 'product', 'total_cents', 'status'], ...rows];
}

/** RFC 4180, and a quote in front of what a spreadsheet would run as a formula: names come from strangers. */
function csvLine(values: readonly string[]): string {
  const cells = values.map((value) => {
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  });
  return `${cells.join(',')}\r\n`;
}
