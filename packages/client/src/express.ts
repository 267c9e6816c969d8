import type { Request, RequestHandler } from 'express';
import { type CaptureOptions, createCapture } from './capture/capture.ts';
import { expressRoute } from './capture/express-route.ts';
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
    const captured = begin(request, () => startOf(request, request.originalUrl));
    if (!captured) {
      next();
      return;
    }
    onResponseEnd(response, (isAborted) => {
      captured.end(() => ({ status: sentStatus(response), route: expressRoute(request), isAborted }));
    });
    captured.run(() => next());
  };
}
