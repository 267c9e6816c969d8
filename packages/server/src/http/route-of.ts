import { routePath } from 'hono/route';
import type { HttpContext } from './context.ts';

/** Where the middleware of all addresses is registered. */
const anywhere = '/*';

/**
 * The address, as it was registered, of the route that is at work or has answered: one of a few, whatever was asked for.
 * `none` where there is no route.
 */
export function routeOf(c: HttpContext): string {
  const route = routePath(c);
  return route === anywhere ? 'none' : route;
}
