import type { OpenAPIHono } from '@hono/zod-openapi';
import {
  channelUpdateSchema,
  deadLetterRetrySchema,
  newChannelSchema,
  secretRotationSchema,
  type Token,
} from '@sealtrail/core';
import type { ChannelsApi } from '../channel-ports.ts';
import type { Gate } from './authorize.ts';
import type { HttpContext, HttpEnv, HttpParts } from './context.ts';
import { readJsonBody } from './json-body.ts';
import { byOf } from './source.ts';

/** What these routes work with beyond what all do. */
export type ChannelRouteParts = Pick<HttpParts, 'clientAddress'> & {
  readonly detection: { readonly channels: ChannelsApi };
};

type Handler = (c: HttpContext) => Promise<Response>;

/** Puts all routes of channels into an application. */
export function addChannelRoutes(app: OpenAPIHono<HttpEnv>, parts: ChannelRouteParts, gate: Gate): void {
  app.get('/v1/channels', getChannels(parts, gate));
  app.post('/v1/channels', postChannel(parts, gate));
  app.get('/v1/channels/:id', getChannel(parts, gate));
  app.put('/v1/channels/:id', putChannel(parts, gate));
  app.delete('/v1/channels/:id', deleteChannel(parts, gate));
  app.post('/v1/channels/:id/test', testChannel(parts, gate));
  app.post('/v1/channels/:id/rotate', rotateChannelSecret(parts, gate));
  app.get('/v1/channels/:id/dead-letters', getDeadLetters(parts, gate));
  app.post('/v1/channels/:id/dead-letters/retry', retryDeadLetters(parts, gate));
  app.delete('/v1/channels/:id/dead-letters', deleteDeadLetters(parts, gate));
  app.delete('/v1/channels/:id/dead-letters/:letter', deleteDeadLetters(parts, gate));
}

/** Channels tell of alerts of all trails and tenants: they are for administrators who are limited to none. */
function authorize(gate: Gate, c: HttpContext): Token {
  const admin = gate.authorize(c, 'channels.manage');
  gate.refuseScope(c, admin);
  return admin;
}

const idOf = (c: HttpContext): string => c.req.param('id') ?? '';

/** `GET /v1/channels`: channels without their secrets, in the order in which they were made. */
function getChannels({ detection }: ChannelRouteParts, gate: Gate): Handler {
  return async (c) => {
    authorize(gate, c);
    return c.json({ channels: await detection.channels.list() });
  };
}

/** `POST /v1/channels`: makes a channel. */
function postChannel(parts: ChannelRouteParts, gate: Gate): Handler {
  return async (c) => {
    const admin = authorize(gate, c);
    const wanted = await readJsonBody(c, newChannelSchema);
    return c.json(await parts.detection.channels.create(wanted, byOf(parts, c, admin)), 201);
  };
}

/** `GET /v1/channels/{id}`. */
function getChannel({ detection }: ChannelRouteParts, gate: Gate): Handler {
  return async (c) => {
    authorize(gate, c);
    return c.json(await detection.channels.get(idOf(c)));
  };
}

/** `PUT /v1/channels/{id}`: changes a channel. */
function putChannel(parts: ChannelRouteParts, gate: Gate): Handler {
  return async (c) => {
    const admin = authorize(gate, c);
    const wanted = await readJsonBody(c, channelUpdateSchema);
    return c.json(await parts.detection.channels.update(idOf(c), wanted, byOf(parts, c, admin)));
  };
}

/** `DELETE /v1/channels/{id}`: removes a channel with what is on its way. */
function deleteChannel(parts: ChannelRouteParts, gate: Gate): Handler {
  return async (c) => {
    const admin = authorize(gate, c);
    await parts.detection.channels.remove(idOf(c), byOf(parts, c, admin));
    return c.body(null, 204);
  };
}

/** `POST /v1/channels/{id}/test`: sends a test and tells how it ended. */
function testChannel(parts: ChannelRouteParts, gate: Gate): Handler {
  return async (c) => {
    const admin = authorize(gate, c);
    return c.json(await parts.detection.channels.test(idOf(c), byOf(parts, c, admin)));
  };
}

/** `POST /v1/channels/{id}/rotate`: gives a webhook a new key. */
function rotateChannelSecret(parts: ChannelRouteParts, gate: Gate): Handler {
  return async (c) => {
    const admin = authorize(gate, c);
    const rotation = await readJsonBody(c, secretRotationSchema);
    return c.json(await parts.detection.channels.rotateSecret(idOf(c), rotation, byOf(parts, c, admin)));
  };
}

/** `GET /v1/channels/{id}/dead-letters`: notifications that were given up, the latest first. */
function getDeadLetters({ detection }: ChannelRouteParts, gate: Gate): Handler {
  return async (c) => {
    authorize(gate, c);
    return c.json({ deadLetters: await detection.channels.deadLetters(idOf(c)) });
  };
}

/** `POST /v1/channels/{id}/dead-letters/retry`: sends dead letters again. */
function retryDeadLetters(parts: ChannelRouteParts, gate: Gate): Handler {
  return async (c) => {
    const admin = authorize(gate, c);
    const { ids } = await readJsonBody(c, deadLetterRetrySchema);
    const count = await parts.detection.channels.retry(idOf(c), ids, byOf(parts, c, admin));
    return c.json({ count });
  };
}

/** `DELETE /v1/channels/{id}/dead-letters`, or one of them: removes dead letters for good. */
function deleteDeadLetters(parts: ChannelRouteParts, gate: Gate): Handler {
  return async (c) => {
    const admin = authorize(gate, c);
    const letter = c.req.param('letter');
    const ids = letter === undefined ? undefined : [letter];
    const count = await parts.detection.channels.discard(idOf(c), ids, byOf(parts, c, admin));
    return c.json({ count });
  };
}
