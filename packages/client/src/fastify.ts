import type { FastifyPluginCallback, FastifyRequest } from 'fastify';
import { type CaptureOptions, createCapture, type ExchangeStart } from './capture/capture.ts';
import { onResponseEnd, pathOf, sentStatus, startOf, withoutQuery } from './capture/node-request.ts';

export type { CaptureOptions } from './capture/capture.ts';
export { type Exchange, recordChangesAndRefusals } from './capture/policy.ts';

/**
 * A plugin for Fastify 5 that records requests: `await app.register(capture({ recorder }))`, before the routes. It
 * applies to the instance it is registered on and everything below.
 *
 * @throws SealtrailError invalid_configuration
 */
export function capture(options: CaptureOptions<FastifyRequest>): FastifyPluginCallback {
  const begin = createCapture(options);
  const plugin: FastifyPluginCallback = (instance, _options, done) => {
    instance.addHook('onRequest', (request, reply, next) => {
      const captured = begin(request, () => startOf(request.raw, pathsOf(request)));
      if (!captured) {
        next();
        return;
      }
      onResponseEnd(reply.raw, (isAborted) => {
        captured.end(() => ({ status: sentStatus(reply.raw), route: routeOf(request), isAborted }));
      });
      // Fastify itself binds what follows, body parsing included, to the context that `next` is called in.
      captured.run(() => next());
    });
    done();
  };
  // What fastify-plugin sets: hooks apply to the instance that registers them, not to a child of it.
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: '@sealtrail/client',
    [Symbol.for('plugin-meta')]: { name: '@sealtrail/client', fastify: '5.x' },
  });
}

/**
 * Of the target as `rewriteUrl` has left it. Versions differ in where the path of one in absolute form begins, so that
 * such a request is never ignored.
 */
function pathsOf({ url }: FastifyRequest): Pick<ExchangeStart, 'path' | 'routedPath'> {
  return { path: pathOf(url), routedPath: withoutQuery(url) };
}

function routeOf(request: FastifyRequest): string | undefined {
  return request.is404 ? undefined : request.routeOptions.url;
}
