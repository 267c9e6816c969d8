import { OpenAPIHono } from '@hono/zod-openapi';
import { type ErrorCode, SealtrailError } from '@sealtrail/core';
import { secureHeaders } from 'hono/secure-headers';
import { getAlert, getAlertStats, getAlerts, postAlertAction } from './alert-routes.ts';
import { streamAlerts } from './alert-stream-routes.ts';
import { Gate } from './authorize.ts';
import { addChannelRoutes } from './channel-routes.ts';
import type { HttpEnv, HttpParts } from './context.ts';
import { getEvent, getProof } from './entry-routes.ts';
import { FailedSignIns } from './failed-sign-ins.ts';
import { postEvents } from './ingest-routes.ts';
import { getCheckpoint, getTile } from './log-routes.ts';
import { documentApi } from './openapi.ts';
import { problemResponse } from './problem.ts';
import { readinessOf } from './readiness.ts';
import { routeOf } from './route-of.ts';
import {
  backfill,
  backtestRule,
  deleteRules,
  disableRule,
  enableRule,
  getDetection,
  getRule,
  getRules,
  postRules,
  putRules,
  validateRules,
} from './rule-routes.ts';
import { getEvents, getStats } from './search-routes.ts';
import { deleteSilence, getSilences, postSilence } from './silence-routes.ts';
import { deleteDeadLetters, getDeadLetters, postSource } from './source-routes.ts';
import { streamEvents } from './stream-routes.ts';
import { deleteToken, getTokens, postToken } from './token-routes.ts';
import { getProducers, getTrails, postTrail } from './trail-routes.ts';

/** Refusals that protect the server, come with its end, or are told of elsewhere. Metrics count them as all others. */
const expected: ReadonlySet<ErrorCode> = new Set([
  'overloaded',
  'too_many_streams',
  'shutting_down',
  // What is wrong with the index is told once, by the follower.
  'index_unavailable',
]);

/** The HTTP API. */
export function createApp(parts: HttpParts): OpenAPIHono<HttpEnv> {
  const app = new OpenAPIHono<HttpEnv>();
  const failures = new FailedSignIns(parts);
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
    end({ method: c.req.method, route: routeOf(c), status: String(c.res.status) });
  });

  app.post('/v1/events', postEvents(parts, gate));
  app.get('/v1/events', getEvents(parts, gate));
  app.get('/v1/events/stream', streamEvents(parts, gate));
  app.get('/v1/events/:id', getEvent(parts, gate));
  app.get('/v1/events/:id/proof', getProof(parts, gate));
  app.get('/v1/stats', getStats(parts, gate));
  app.post('/v1/sources/:name', postSource(parts, gate));
  app.get('/v1/sources/:name/dead-letters', getDeadLetters(parts, gate));
  app.delete('/v1/sources/:name/dead-letters', deleteDeadLetters(parts, gate));
  app.get('/trails/:trail/checkpoint', getCheckpoint(parts, gate));
  app.get('/trails/:trail/tile/*', getTile(parts, gate));
  app.get('/v1/trails', getTrails(parts, gate));
  app.post('/v1/trails', postTrail(parts, gate));
  app.get('/v1/trails/:trail/producers', getProducers(parts, gate));
  app.get('/v1/tokens', getTokens(parts, gate));
  app.post('/v1/tokens', postToken(parts, gate));
  app.delete('/v1/tokens/:id', deleteToken(parts, gate));

  app.get('/v1/alerts', getAlerts(parts, gate));
  app.get('/v1/alerts/stats', getAlertStats(parts, gate));
  app.get('/v1/alerts/stream', streamAlerts(parts, gate));
  app.get('/v1/alerts/:id', getAlert(parts, gate));
  app.post('/v1/alerts/:id', postAlertAction(parts, gate));
  app.get('/v1/silences', getSilences(parts, gate));
  app.post('/v1/silences', postSilence(parts, gate));
  app.delete('/v1/silences/:id', deleteSilence(parts, gate));
  app.get('/v1/detection', getDetection(parts, gate));
  app.post('/v1/detection/backfill', backfill(parts, gate));
  app.get('/v1/rules', getRules(parts, gate));
  app.post('/v1/rules', postRules(parts, gate));
  app.post('/v1/rules/validate', validateRules(parts, gate));
  app.get('/v1/rules/:key', getRule(parts, gate));
  app.put('/v1/rules/:key', putRules(parts, gate));
  app.delete('/v1/rules/:key', deleteRules(parts, gate));
  app.post('/v1/rules/:key/enable', enableRule(parts, gate));
  app.post('/v1/rules/:key/disable', disableRule(parts, gate));
  app.post('/v1/rules/:key/backtest', backtestRule(parts, gate));

  addChannelRoutes(app, parts, gate);

  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', (c) => {
    const state = readinessOf(parts);
    return c.json(state, state.status === 'ready' ? 200 : 503);
  });
  app.get('/metrics', async (c) => {
    gate.refuseScope(c, gate.authorize(c, 'metrics.read'));
    return c.body(await parts.metrics.registry.metrics(), 200, {
      'content-type': parts.metrics.registry.contentType,
    });
  });
  documentApi(app, parts.version);
  refuseOtherMethods(app, parts);

  app.notFound(() => refused(parts, new SealtrailError('not_found')));
  app.onError((error, c) => {
    const known =
      error instanceof SealtrailError ? error : new SealtrailError('internal', undefined, { cause: error });
    if (expected.has(known.code))
      parts.logger.debug({ code: known.code, route: routeOf(c) }, 'request refused');
    else if (known.status >= 500)
      parts.logger.error(
        {
          code: known.code,
          route: routeOf(c),
          error: known.code === 'internal' ? errorPlace(known.cause ?? error) : undefined,
        },
        'request failed',
      );
    return refused(parts, known);
  });
  return app;
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
