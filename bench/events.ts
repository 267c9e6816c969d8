import { randomBytes } from 'node:crypto';
import { uuidV7 } from '@sealtrail/core';

/** A plainly invented event of about 600 bytes as an application would report it. */
export function sampleEvent(i: number, withId = true): Record<string, unknown> {
  return {
    ...(withId && { id: uuidV7(Date.now(), randomBytes(10)) }),
    time: new Date().toISOString(),
    action: ['invoice.refund', 'order.create', 'user.login', 'export.download'][i % 4],
    category: 'data_change',
    outcome: i % 10 === 0 ? 'failure' : 'success',
    actor: {
      type: 'user',
      id: `u_${i % 1000}`,
      name: `Sample User ${i % 1000}`,
      email: `user${i % 1000}@example.test`,
    },
    targets: [{ type: 'invoice', id: `inv_${i}`, name: `Invoice ${i}` }],
    source: { ip: `192.0.2.${i % 250}`, userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36' },
    context: {
      service: 'shop',
      environment: 'production',
      requestId: uuidV7(Date.now(), randomBytes(10)),
      http: {
        method: 'POST',
        route: '/orders/:id/refund',
        path: `/orders/${i}/refund`,
        status: 200,
        durationMs: i % 100,
      },
    },
  };
}

const people = 50_000;

/** What 50,000 people do now and then: what each does ten times a second would be an attack. */
export function everydayEvent(i: number): Record<string, unknown> {
  const person = i % people;
  return {
    ...sampleEvent(i),
    action: ['order.view', 'order.create', 'profile.view', 'cart.update'][i % 4],
    outcome: 'success',
    actor: { type: 'user', id: `u_${person}`, name: `Sample User ${person}` },
    source: {
      ip: `10.${person >> 16}.${(person >> 8) & 255}.${person & 255}`,
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0',
    },
  };
}

/** Middle value. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** The value below which a share of all values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}
