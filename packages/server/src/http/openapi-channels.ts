import { type OpenAPIHono, z } from '@hono/zod-openapi';
import {
  channelSchema,
  channelTestSchema,
  channelUpdateSchema,
  channelWithSecretSchema,
  deadLetterRetrySchema,
  deadLetterSchema,
  type ErrorCode,
  newChannelSchema,
  secretRotationSchema,
} from '@sealtrail/core';
import type { HttpEnv } from './context.ts';
import { bodyCodes, documentRoute, jsonOf } from './openapi-route.ts';

const channelList = z.strictObject({ channels: z.array(channelSchema) }).openapi('ChannelList');
const deadLetterList = z.strictObject({ deadLetters: z.array(deadLetterSchema) }).openapi('DeadLetterList');
const count = z
  .strictObject({ count: z.int().min(0).openapi({ description: 'Dead letters that it was about.' }) })
  .openapi('DeadLetterCount');

const ofOne = z.object({ id: z.string() });
/** Of what asks the thread of detection. */
const asked: readonly ErrorCode[] = ['detection_unavailable', 'overloaded', 'shutting_down'];
/** Of what changes something there. */
const changed: readonly ErrorCode[] = [...asked, 'storage_unavailable'];

/** Documents channels, through which people and systems are told of alerts. */
export function documentChannelRoutes(app: OpenAPIHono<HttpEnv>): void {
  documentRoute(app, {
    method: 'get',
    path: '/v1/channels',
    operationId: 'listChannels',
    summary: 'Channels, without their secrets',
    description:
      'As all about channels: for administrators whose token is limited to no trails and no tenants.',
    answers: { 200: jsonOf(channelList, 'Channels in the order in which they were made.') },
    codes: asked,
  });
  documentRoute(app, {
    method: 'post',
    path: '/v1/channels',
    operationId: 'createChannel',
    summary: 'Make a channel',
    request: {
      body: { required: true, ...jsonOf(newChannelSchema, 'Where it leads to, and for which alerts.') },
    },
    answers: {
      201: jsonOf(channelWithSecretSchema, 'The channel. The key of a webhook is shown this once.'),
    },
    codes: [...bodyCodes, 'target_refused', 'too_many_channels', ...changed],
  });
  documentRoute(app, {
    method: 'get',
    path: '/v1/channels/{id}',
    operationId: 'getChannel',
    summary: 'A channel, and how it is doing',
    request: { params: ofOne },
    answers: { 200: jsonOf(channelSchema, 'The channel, without its secrets.') },
    codes: ['channel_not_found', ...asked],
  });
  documentRoute(app, {
    method: 'put',
    path: '/v1/channels/{id}',
    operationId: 'updateChannel',
    summary: 'Change a channel, enable or disable it',
    description: 'What waits in it is tried again at once.',
    request: {
      params: ofOne,
      body: { required: true, ...jsonOf(channelUpdateSchema, 'What it becomes.') },
    },
    answers: { 200: jsonOf(channelWithSecretSchema, 'The channel; with a key, if one had to be made.') },
    codes: [...bodyCodes, 'channel_not_found', 'target_refused', ...changed],
  });
  documentRoute(app, {
    method: 'delete',
    path: '/v1/channels/{id}',
    operationId: 'removeChannel',
    summary: 'Remove a channel, with what is on its way',
    request: { params: ofOne },
    answers: { 204: { description: 'It is gone.' } },
    codes: ['channel_not_found', ...changed],
  });
  documentRoute(app, {
    method: 'post',
    path: '/v1/channels/{id}/test',
    operationId: 'testChannel',
    summary: 'Send a test through a channel now',
    description: 'Also through one that is disabled. It waits behind nothing, and is not tried again.',
    request: { params: ofOne },
    answers: { 200: jsonOf(channelTestSchema, 'How it ended.') },
    codes: ['channel_not_found', ...changed],
  });
  documentRoute(app, {
    method: 'post',
    path: '/v1/channels/{id}/rotate',
    operationId: 'rotateChannelSecret',
    summary: 'Give a webhook a new key',
    request: {
      params: ofOne,
      body: { required: true, ...jsonOf(secretRotationSchema, 'Whether the key so far goes on signing.') },
    },
    answers: { 200: jsonOf(channelWithSecretSchema, 'The channel, with the new key, shown this once.') },
    codes: [...bodyCodes, 'channel_not_found', ...changed],
  });
  documentDeadLetterRoutes(app);
}

/** Notifications that were given up. */
function documentDeadLetterRoutes(app: OpenAPIHono<HttpEnv>): void {
  documentRoute(app, {
    method: 'get',
    path: '/v1/channels/{id}/dead-letters',
    operationId: 'listChannelDeadLetters',
    summary: 'Notifications that a channel gave up',
    request: { params: ofOne },
    answers: { 200: jsonOf(deadLetterList, 'The latest 1000, the latest first.') },
    codes: ['channel_not_found', ...asked],
  });
  documentRoute(app, {
    method: 'post',
    path: '/v1/channels/{id}/dead-letters/retry',
    operationId: 'retryChannelDeadLetters',
    summary: 'Send dead letters again',
    description:
      'They go to the end of the line, with the ids that they had. Those that are unknown are left out.',
    request: {
      params: ofOne,
      body: { required: true, ...jsonOf(deadLetterRetrySchema, 'Which of them.') },
    },
    answers: { 200: jsonOf(count, 'How many there were.') },
    codes: [...bodyCodes, 'channel_not_found', ...changed],
  });
  documentRoute(app, {
    method: 'delete',
    path: '/v1/channels/{id}/dead-letters',
    operationId: 'discardChannelDeadLetters',
    summary: 'Remove all dead letters of a channel for good',
    request: { params: ofOne },
    answers: { 200: jsonOf(count, 'How many there were.') },
    codes: ['channel_not_found', ...changed],
  });
  documentRoute(app, {
    method: 'delete',
    path: '/v1/channels/{id}/dead-letters/{letter}',
    operationId: 'discardChannelDeadLetter',
    summary: 'Remove one dead letter for good',
    request: { params: ofOne.extend({ letter: z.string() }) },
    answers: { 200: jsonOf(count, 'It was one.') },
    codes: ['channel_not_found', 'dead_letter_not_found', ...changed],
  });
}
