import { type OpenAPIHono, z } from '@hono/zod-openapi';
import {
  createdTokenSchema,
  newTokenSchema,
  newTrailSchema,
  tokenSchema,
  trailSchema,
} from '@sealtrail/core';
import type { HttpEnv } from './context.ts';
import { bodyCodes, documentRoute, jsonOf, recordedCodes } from './openapi-route.ts';

const trailList = z.strictObject({ trails: z.array(trailSchema) }).openapi('TrailList');
const tokenList = z.strictObject({ tokens: z.array(tokenSchema) }).openapi('TokenList');
const producer = z.strictObject({
  producer: z.string(),
  firstSeq: z.int().openapi({
    description:
      'Where what is known of the sequence begins: 0, unless so many producers have been seen (100,000 in a trail) that some were forgotten.',
  }),
  lastSeq: z.int(),
  missing: z
    .array(z.array(z.int()).length(2))
    .openapi({ description: 'Ranges of sequence numbers that never came: first and last.' }),
});
const producerList = z.strictObject({ producers: z.array(producer) }).openapi('ProducerList');

/** Documents trails, tokens and producers: what administrators work with. */
export function documentAdminRoutes(app: OpenAPIHono<HttpEnv>): void {
  documentRoute(app, {
    method: 'get',
    path: '/v1/trails',
    operationId: 'listTrails',
    summary: 'Trails that the token reaches',
    answers: { 200: jsonOf(trailList, 'Trails by name.') },
  });
  documentRoute(app, {
    method: 'post',
    path: '/v1/trails',
    operationId: 'createTrail',
    summary: 'Make a trail',
    description:
      'It cannot be removed. Not for tokens that are limited to tenants: a trail is of all of them.',
    request: { body: { required: true, ...jsonOf(newTrailSchema, 'The name of the trail.') } },
    answers: { 201: jsonOf(trailSchema, 'The trail, with the verifier key to pin.') },
    codes: [...bodyCodes, 'trail_exists', ...recordedCodes],
  });
  documentRoute(app, {
    method: 'get',
    path: '/v1/trails/{trail}/producers',
    operationId: 'listProducers',
    summary: 'Producers of a trail, with the gaps in their sequences',
    request: { params: z.object({ trail: z.string() }) },
    answers: { 200: jsonOf(producerList, 'Producers by id.') },
    codes: ['trail_not_found'],
  });
  documentRoute(app, {
    method: 'get',
    path: '/v1/tokens',
    operationId: 'listTokens',
    summary: 'Tokens within the scope of the token that asks, without their secrets',
    answers: { 200: jsonOf(tokenList, 'Tokens in the order in which they were made.') },
  });
  documentRoute(app, {
    method: 'post',
    path: '/v1/tokens',
    operationId: 'createToken',
    summary: 'Make a token, within the scope of the token that asks',
    request: { body: { required: true, ...jsonOf(newTokenSchema, 'What the token may do, and where.') } },
    answers: { 201: jsonOf(createdTokenSchema, 'The token. Its secret is shown this once.') },
    codes: [...bodyCodes, ...recordedCodes],
  });
  documentRoute(app, {
    method: 'delete',
    path: '/v1/tokens/{id}',
    operationId: 'revokeToken',
    summary: 'Revoke a token',
    description: 'Once more for one that is revoked already changes nothing.',
    request: { params: z.object({ id: z.string() }) },
    answers: { 200: jsonOf(tokenSchema, 'The token, revoked.') },
    codes: ['token_not_found', ...recordedCodes],
  });
}
