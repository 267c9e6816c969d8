import { type OpenAPIHono, z } from '@hono/zod-openapi';
import type { HttpEnv } from './context.ts';
import { documentAdminRoutes } from './openapi-admin.ts';
import { documentChannelRoutes } from './openapi-channels.ts';
import { documentDetectionRoutes } from './openapi-detection.ts';
import { documentEventRoutes } from './openapi-events.ts';
import { bytesOf, documentRoute, jsonOf, textOf } from './openapi-route.ts';
import { documentSourceRoutes } from './openapi-sources.ts';
import { readinessSchema } from './readiness.ts';

/** Documents all routes, and serves the document at `/openapi.json`. */
export function documentApi(app: OpenAPIHono<HttpEnv>, version: string): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  documentEventRoutes(app);
  documentSourceRoutes(app);
  documentAdminRoutes(app);
  documentDetectionRoutes(app);
  documentChannelRoutes(app);
  documentLogRoutes(app);
  documentServerRoutes(app);
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Sealtrail', version, license: { name: 'Apache-2.0' } },
    security: [{ bearer: [] }],
  });
}

/** What verification reads. */
function documentLogRoutes(app: OpenAPIHono<HttpEnv>): void {
  const log = z.object({ trail: z.string() });
  documentRoute(app, {
    method: 'get',
    path: '/trails/{trail}/checkpoint',
    operationId: 'getCheckpoint',
    summary: 'Last published checkpoint (C2SP tlog-checkpoint)',
    request: { params: log },
    answers: { 200: textOf('text/plain', 'A signed note.') },
    codes: ['trail_not_found', 'storage_unavailable', 'shutting_down'],
  });
  documentRoute(app, {
    method: 'get',
    path: '/trails/{trail}/tile/{path}',
    operationId: 'getTile',
    summary: 'Hash tiles and entry bundles (C2SP tlog-tiles)',
    request: { params: log.extend({ path: z.string() }) },
    answers: { 200: bytesOf('A tile or a bundle.') },
    codes: ['trail_not_found', 'not_found', 'not_yet_checkpointed'],
  });
}

/** What is about the server itself. */
function documentServerRoutes(app: OpenAPIHono<HttpEnv>): void {
  documentRoute(app, {
    method: 'get',
    path: '/healthz',
    operationId: 'getHealth',
    summary: 'Whether the process answers',
    answers: { 200: jsonOf(z.strictObject({ status: z.literal('ok') }), 'It does.') },
    isPublic: true,
  });
  documentRoute(app, {
    method: 'get',
    path: '/readyz',
    operationId: 'getReadiness',
    summary: 'Whether events are taken and searches answered',
    answers: {
      200: jsonOf(readinessSchema, 'They are.'),
      503: jsonOf(
        readinessSchema,
        'They are not: the server stops, the last commit failed and none has succeeded since, or search is away or cannot follow. The parts say which.',
      ),
    },
    isPublic: true,
  });
  documentRoute(app, {
    method: 'get',
    path: '/metrics',
    operationId: 'getMetrics',
    summary: 'Metrics of the server (Prometheus text format)',
    description: 'They count over all trails and tenants: for tokens that are limited to neither.',
    answers: { 200: textOf('text/plain', 'Metrics. No label holds a name out of an event.') },
  });
  documentRoute(app, {
    method: 'get',
    path: '/openapi.json',
    operationId: 'getApiDocument',
    summary: 'This document',
    answers: { 200: jsonOf(z.looseObject({ openapi: z.string() }), 'An OpenAPI 3.1 document.') },
    isPublic: true,
  });
}
