import { Hono } from 'hono';
import type { HttpContext, HttpEnv } from '../context.ts';

/** A request as a route sees it, over a connection from an address. */
export function requestFrom(
  address: string | undefined,
  headers: Readonly<Record<string, string>> = {},
  route = '/v1/events',
): HttpContext {
  const seen: HttpContext[] = [];
  const app = new Hono<HttpEnv>().get(route, (c) => {
    seen.push(c);
    return c.body(null);
  });
  void app.request(route, { headers }, { incoming: { socket: { remoteAddress: address } } });
  return seen[0]!;
}
