import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import {
  createdTokenSchema,
  newTokenSchema,
  newTrailSchema,
  SealtrailError,
  type Trail,
  tokenSchema,
  trailSchema,
} from '@sealtrail/core';
import { createTrail, revokeToken } from '../access/acts.ts';
import { issueToken } from '../access/issue-token.ts';
import { actorOf, coversScope, reachesTrail, systemTrail } from '../access/permissions.ts';
import type { TrailStatus } from '../sequencer/protocol.ts';
import type { Gate } from './authorize.ts';
import type { HttpEnv, HttpParts } from './context.ts';
import { sourceOf } from './failed-sign-ins.ts';
import { jsonBody } from './json-body.ts';
import { jsonOf, problemAnswers } from './openapi.ts';

const trailList = z.object({ trails: z.array(trailSchema) }).openapi('TrailList');
const tokenList = z.object({ tokens: z.array(tokenSchema) }).openapi('TokenList');
const producerList = z
  .object({
    producers: z.array(
      z.object({
        producer: z.string(),
        firstSeq: z.int(),
        lastSeq: z.int(),
        missing: z
          .array(z.array(z.int()).length(2))
          .openapi({ description: 'Ranges of sequence numbers that never came: first and last.' }),
      }),
    ),
  })
  .openapi('ProducerList');

const trailOf = ({ name, origin, vkey, size, checkpoint }: TrailStatus): Trail => ({
  name,
  origin,
  vkey,
  size,
  checkpoint: checkpoint?.note ?? null,
});

/** Trails, tokens and producers: what administrators work with. */
export function adminRoutes(app: OpenAPIHono<HttpEnv>, parts: HttpParts, gate: Gate): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/trails',
      summary: 'Trails that the token reaches',
      middleware: gate.require('trails.read'),
      responses: { 200: jsonOf(trailList, 'Trails by name.'), ...problemAnswers(401, 403) },
    }),
    (c) => {
      const token = c.var.token;
      const trails = parts.log.trails().filter(({ name }) => reachesTrail(token, name));
      return c.json({ trails: trails.map(trailOf).sort((a, b) => (a.name < b.name ? -1 : 1)) }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/trails',
      summary: 'Make a trail',
      middleware: [gate.require('trails.write'), jsonBody] as const,
      request: { body: { required: true, ...jsonOf(newTrailSchema, 'The name of the trail.') } },
      responses: {
        201: jsonOf(trailSchema, 'The trail, with the verifier key to pin.'),
        ...problemAnswers(400, 401, 403, 409, 413, 415, 422),
      },
    }),
    async (c) => {
      const { token } = c.var;
      const { name } = c.req.valid('json');
      if (!reachesTrail(token, name)) throw gate.denied(c, token, 'the token does not reach this trail');
      const trail = await createTrail(parts, name, { actor: actorOf(token), ...sourceOf(c) });
      return c.json(trailOf(trail), 201);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/trails/{trail}/producers',
      summary: 'Producers of a trail, with the gaps in their sequences',
      middleware: gate.require('trails.read'),
      request: { params: z.object({ trail: z.string() }) },
      responses: { 200: jsonOf(producerList, 'Producers by id.'), ...problemAnswers(401, 403, 404) },
    }),
    (c) => {
      const { trail } = c.req.valid('param');
      gate.reach(c, c.var.token, trail);
      gate.refuseTenantScope(c, c.var.token);
      const producers = parts.producers.list(trail);
      return c.json(
        {
          producers: producers.map((state) => ({
            ...state,
            missing: state.missing.map((range) => [...range]),
          })),
        },
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/tokens',
      summary: 'Tokens within the scope of the token that asks, without their secrets',
      middleware: gate.require('tokens.manage'),
      responses: {
        200: jsonOf(tokenList, 'Tokens in the order in which they were made.'),
        ...problemAnswers(401, 403),
      },
    }),
    (c) => {
      return c.json({ tokens: parts.tokens.list().filter((token) => coversScope(c.var.token, token)) }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/tokens',
      summary: 'Make a token, within the scope of the token that asks',
      middleware: [gate.require('tokens.manage'), jsonBody] as const,
      request: { body: { required: true, ...jsonOf(newTokenSchema, 'What the token may do, and where.') } },
      responses: {
        201: jsonOf(createdTokenSchema, 'The token. Its secret is shown this once.'),
        ...problemAnswers(400, 401, 403, 413, 415, 422),
      },
    }),
    async (c) => {
      const admin = c.var.token;
      const wanted = c.req.valid('json');
      if (!coversScope(admin, wanted))
        throw gate.denied(
          c,
          admin,
          'a token can only be made for trails and tenants that the own one reaches',
        );
      if (wanted.trails.includes(systemTrail) && wanted.role === 'ingest') {
        throw new SealtrailError('invalid_body', 'the trail system is written by the server alone');
      }
      const created = await issueToken(parts, wanted, { actor: actorOf(admin), ...sourceOf(c) });
      return c.json(created, 201);
    },
  );

  app.openapi(
    createRoute({
      method: 'delete',
      path: '/v1/tokens/{id}',
      summary: 'Revoke a token',
      middleware: gate.require('tokens.manage'),
      request: { params: z.object({ id: z.string().max(64) }) },
      responses: { 200: jsonOf(tokenSchema, 'The token, revoked.'), ...problemAnswers(401, 403, 404) },
    }),
    async (c) => {
      const admin = c.var.token;
      const by = { actor: actorOf(admin), ...sourceOf(c) };
      const revoked = await revokeToken(parts, c.req.valid('param').id, by, (token) =>
        coversScope(admin, token),
      );
      return c.json(revoked, 200);
    },
  );
}
