import type { Request, RequestHandler } from 'express';
import { type CaptureOptions, createCapture } from './capture/capture.ts';
import { expectedExpressRoute, expressPath, expressRoute } from './capture/express-route.ts';
import { onResponseEnd, sentStatus, startOf } from './capture/node-request.ts';

export type { CaptureOptions } from './capture/capture.ts';
export { type Exchange, recordChangesAndRefusals } from './capture/policy.ts';

/**
 * Middleware for Express 4 and 5 that records requests. Use it first, so that it sees every request and everything
 * below runs in the context of its request.
 *
 * @throws SealtrailError invalid_configuration
 */
export function capture(options: CaptureOptions<Request>): RequestHandler {
  const begin = createCapture(options);
  return (request, response, next) => {
    const captured = begin(request, () => startOf(request, { path: expressPath(request) }));
    if (!captured) {
      next();
      return;
    }
    onResponseEnd(response, (isAborted) => {
      captured.end(() => {
        const status = sentStatus(response);
        return { status, route: routeOf(request, status), isAborted };
      });
    });
    captured.run(() => next());
  };
}

/**
 * The route that matched. Where middleware refused the request before, as authentication does, or it broke off there, the
 * one it was on its way to. What middleware has served, such as a file, was on its way to none, nor what is not there.
 */
function routeOf(request: Request, status: number | undefined): string | undefined {
  const isRefused = status === undefined || (status >= 400 && status !== 404);
  return expressRoute(request) ?? (isRefused ? expectedExpressRoute(request) : undefined);
}
