import { OpenAPIHono } from '@hono/zod-openapi';
import { SealtrailError } from '@sealtrail/core';
import { routePath } from 'hono/route';
import { secureHeaders } from 'hono/secure-headers';
import { adminRoutes } from './admin-routes.ts';
import { Gate } from './authorize.ts';
import type { HttpEnv, HttpParts } from './context.ts';
import { getEvent, getProof } from './entry-routes.ts';
import { FailedSignIns } from './failed-sign-ins.ts';
import { postEvents } from './ingest-routes.ts';
import { getCheckpoint, getTile } from './log-routes.ts';
import { documentRawRoutes } from './openapi.ts';
import { problemResponse } from './problem.ts';
import { getEvents, getStats } from './search-routes.ts';
import { streamEvents } from './stream-routes.ts';

/** The HTTP API. Needs no socket: tests call its `fetch`. */
export function createApp(parts: HttpParts): OpenAPIHono<HttpEnv> {
  const app = new OpenAPIHono<HttpEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const code = result.target === 'json' ? 'invalid_body' : 'invalid_parameter';
      throw new SealtrailError(code, undefined, {
        details: result.error.issues.slice(0, 16).map((issue) => ({
          code,
          pointer: issue.path.map((key) => `/${String(key).slice(0, 128)}`).join(''),
          message: issue.message,
        })),
      });
    },
  });
  const gate = new Gate(parts, new FailedSignIns(parts.system, parts.now));

  app.use(
    secureHeaders({
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      crossOriginResourcePolicy: 'same-origin',
    }),
  );
  app.use(async (c, next) => {
    const end = parts.metrics.requests.startTimer();
    await next();
    end({ method: c.req.method, route: routePath(c, -1), status: String(c.res.status) });
  });

  app.post('/v1/events', postEvents(parts, gate));
  app.get('/v1/events', getEvents(parts, gate));
  app.get('/v1/events/stream', streamEvents(parts, gate));
  app.get('/v1/events/:id', getEvent(parts, gate));
  app.get('/v1/events/:id/proof', getProof(parts, gate));
  app.get('/v1/stats', getStats(parts, gate));
  app.get('/trails/:trail/checkpoint', getCheckpoint(parts, gate));
  app.get('/trails/:trail/tile/*', getTile(parts, gate));
  adminRoutes(app, parts, gate);

  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', (c) => {
    const isReady = !parts.isDraining() && !parts.log.failed;
    return c.json(
      { status: isReady ? 'ready' : parts.isDraining() ? 'draining' : 'failed' },
      isReady ? 200 : 503,
    );
  });
  app.get('/metrics', async (c) => {
    gate.authorize(c, 'metrics.read');
    return c.body(await parts.metrics.registry.metrics(), 200, {
      'content-type': parts.metrics.registry.contentType,
    });
  });
  documentRawRoutes(app);
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Sealtrail', version: parts.version, license: { name: 'Apache-2.0' } },
    security: [{ bearer: [] }],
  });

  app.notFound(() => problemResponse(new SealtrailError('not_found')));
  app.onError((error, c) => {
    const known = asSealtrailError(error);
    parts.metrics.refusedRequests.inc({ code: known.code });
    if (known.status >= 500)
      parts.logger.error(
        {
          code: known.code,
          route: routePath(c, -1),
          error: known.code === 'internal' ? errorPlace(error) : undefined,
        },
        'request failed',
      );
    return problemResponse(known);
  });
  return app;
}

/** Hono throws its own for bodies that are not JSON. */
function asSealtrailError(error: unknown): SealtrailError {
  if (error instanceof SealtrailError) return error;
  if (error instanceof Error && 'status' in error && error.status === 400)
    return new SealtrailError('malformed_json');
  return new SealtrailError('internal', undefined, { cause: error });
}

/** Class and place of an unexpected error; its message could quote an event. */
function errorPlace(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return [
    error.name,
    ...(error.stack ?? '')
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .slice(0, 6),
  ].join(' ');
}
