import { OpenAPIHono, type z } from '@hono/zod-openapi';
import { type ErrorDetail, escapePointer, SealtrailError } from '@sealtrail/core';
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

/** The HTTP API. */
export function createApp(parts: HttpParts): OpenAPIHono<HttpEnv> {
  const app = new OpenAPIHono<HttpEnv>({ defaultHook: refuseInvalid });
  const failures = new FailedSignIns(parts.system);
  parts.closing.addEventListener('abort', () => failures.flush(), { once: true });
  const gate = new Gate(parts, failures);

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
  refuseOtherMethods(app, parts);

  app.notFound(() => refused(parts, new SealtrailError('not_found')));
  app.onError((error, c) => {
    const known = asSealtrailError(error);
    if (known.status >= 500)
      parts.logger.error(
        {
          code: known.code,
          route: routePath(c, -1),
          error: known.code === 'internal' ? errorPlace(known.cause ?? error) : undefined,
        },
        'request failed',
      );
    return refused(parts, known);
  });
  return app;
}

/** The answer to what the schema of a route refuses. */
function refuseInvalid(
  result: { target: string } & ({ success: true } | { success: false; error: z.ZodError }),
): void {
  if (result.success) return;
  const code = result.target === 'json' ? 'invalid_body' : 'invalid_parameter';
  const details = result.error.issues.slice(0, 16).map(
    (issue): ErrorDetail => ({
      code,
      pointer: issue.path.map((key) => `/${escapePointer(String(key))}`).join(''),
      message: issue.message,
    }),
  );
  const [first] = details;
  throw new SealtrailError(code, `${first?.pointer} ${first?.message}`.trim(), { details });
}

/** Answers other methods at the addresses there are with those that are allowed (RFC 9110 section 15.5.6). */
function refuseOtherMethods(app: OpenAPIHono<HttpEnv>, parts: HttpParts): void {
  const methods = new Map<string, Set<string>>();
  for (const { path, method } of app.routes) {
    if (method === 'ALL') continue;
    const allowed = methods.get(path) ?? new Set();
    methods.set(path, allowed.add(method));
    if (method === 'GET') allowed.add('HEAD');
  }
  for (const [path, allowed] of methods) {
    const allow = [...allowed].sort().join(', ');
    app.all(path, () => refused(parts, new SealtrailError('method_not_allowed'), { allow }));
  }
}

function refused(
  parts: HttpParts,
  error: SealtrailError,
  headers?: Readonly<Record<string, string>>,
): Response {
  parts.metrics.refusedRequests.inc({ code: error.code });
  return problemResponse(error, headers);
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
