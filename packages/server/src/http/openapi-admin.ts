import { type OpenAPIHono, z } from '@hono/zod-openapi';
import {
  createdTokenSchema,
  newTokenSchema,
  newTrailSchema,
  tokenSchema,
  trailSchema,
} from '@sealtrail/core';
import type { HttpEnv } from './context.ts';
import { jsonOf, problemAnswers } from './openapi.ts';

const trailList = z.strictObject({ trails: z.array(trailSchema) }).openapi('TrailList');
const tokenList = z.strictObject({ tokens: z.array(tokenSchema) }).openapi('TokenList');
const producer = z.strictObject({
  producer: z.string(),
  firstSeq: z.int(),
  lastSeq: z.int(),
  missing: z
    .array(z.array(z.int()).length(2))
    .openapi({ description: 'Ranges of sequence numbers that never came: first and last.' }),
});
const producerList = z.strictObject({ producers: z.array(producer) }).openapi('ProducerList');

/** Documents trails, tokens and producers: what administrators work with. */
export function documentAdminRoutes(app: OpenAPIHono<HttpEnv>): void {
  const registry = app.openAPIRegistry;
  registry.registerPath({
    method: 'get',
    path: '/v1/trails',
    summary: 'Trails that the token reaches',
    responses: { 200: jsonOf(trailList, 'Trails by name.'), ...problemAnswers(401, 403) },
  });
  registry.registerPath({
    method: 'post',
    path: '/v1/trails',
    summary: 'Make a trail',
    request: { body: { required: true, ...jsonOf(newTrailSchema, 'The name of the trail.') } },
    responses: {
      201: jsonOf(trailSchema, 'The trail, with the verifier key to pin.'),
      ...problemAnswers(400, 401, 403, 409, 413, 415, 422),
    },
  });
  registry.registerPath({
    method: 'get',
    path: '/v1/trails/{trail}/producers',
    summary: 'Producers of a trail, with the gaps in their sequences',
    request: { params: z.object({ trail: z.string() }) },
    responses: { 200: jsonOf(producerList, 'Producers by id.'), ...problemAnswers(401, 403, 404) },
  });
  registry.registerPath({
    method: 'get',
    path: '/v1/tokens',
    summary: 'Tokens within the scope of the token that asks, without their secrets',
    responses: {
      200: jsonOf(tokenList, 'Tokens in the order in which they were made.'),
      ...problemAnswers(401, 403),
    },
  });
  registry.registerPath({
    method: 'post',
    path: '/v1/tokens',
    summary: 'Make a token, within the scope of the token that asks',
    request: { body: { required: true, ...jsonOf(newTokenSchema, 'What the token may do, and where.') } },
    responses: {
      201: jsonOf(createdTokenSchema, 'The token. Its secret is shown this once.'),
      ...problemAnswers(400, 401, 403, 413, 415, 422),
    },
  });
  registry.registerPath({
    method: 'delete',
    path: '/v1/tokens/{id}',
    summary: 'Revoke a token',
    request: { params: z.object({ id: z.string() }) },
    responses: { 200: jsonOf(tokenSchema, 'The token, revoked.'), ...problemAnswers(401, 403, 404) },
  });
}
