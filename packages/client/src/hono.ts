import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context, MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { findTargetHandler, isMiddleware } from 'hono/utils/handler';
import { type CaptureOptions, createCapture, type ExchangeStart } from './capture/capture.ts';
import { onResponseEnd, pathOf, sentStatus, startOf } from './capture/node-request.ts';

export type { CaptureOptions } from './capture/capture.ts';
export { type Exchange, recordChangesAndRefusals } from './capture/policy.ts';

/** What `@hono/node-server` passes as the environment. */
interface NodeBindings {
  readonly incoming?: IncomingMessage;
  readonly outgoing?: ServerResponse;
}

/**
 * Middleware for Hono 4 that records requests: `app.use(capture({ recorder }))`, before the routes. Under
 * `@hono/node-server` it sees the connection: the client's address, streams to their end, and clients that leave. Under
 * another server a request is over when the handler has returned, and its address is not known.
 *
 * @throws SealtrailError invalid_configuration
 */
export function capture(options: CaptureOptions<Context>): MiddlewareHandler {
  const begin = createCapture(options);
  return async (c, next) => {
    const { incoming, outgoing } = (c.env ?? {}) as NodeBindings;
    const captured = begin(c, () => (incoming ? startOf(incoming, pathsOf(c)) : startOfFetch(c)));
    if (!captured) return next();
    if (outgoing) {
      onResponseEnd(outgoing, (isAborted) => {
        captured.end(() => ({ status: sentStatus(outgoing), route: routeOf(c), isAborted }));
      });
      return captured.run(next);
    }
    await captured.run(next);
    captured.end(() => ({ status: c.res.status, route: routeOf(c), isAborted: false }));
  };
}

/** The target that came in says little: it has been through `URL`, which takes dot segments out, escaped ones too. */
function pathsOf(c: Context): Pick<ExchangeStart, 'path' | 'routedPath'> {
  return { path: pathOf(c.req.url), routedPath: c.req.path };
}

function startOfFetch(c: Context): ExchangeStart {
  return {
    method: c.req.method,
    ...pathsOf(c),
    header: (name) => c.req.header(name),
    peerAddress: undefined,
    peerPort: undefined,
  };
}

/**
 * The template of the handler that matched. Hono lists middleware as routes too: these are registered for all methods
 * and take `next` as a second parameter.
 */
function routeOf(c: Context): string | undefined {
  return matchedRoutes(c).findLast(
    ({ method, handler }) => method !== 'ALL' || !isMiddleware(findTargetHandler(handler)),
  )?.path;
}
