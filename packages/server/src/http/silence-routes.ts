import { newSilenceSchema } from '@sealtrail/core';
import type { Gate } from './authorize.ts';
import type { HttpContext, HttpParts } from './context.ts';
import { readJsonBody } from './json-body.ts';
import { parametersOf } from './parameters.ts';
import { byOf } from './source.ts';

/** `GET /v1/silences`: silences, those that end last first. */
export function getSilences(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    gate.refuseScope(c, gate.authorize(c, 'alerts.read'));
    parametersOf(c, []);
    return c.json({ silences: await parts.detection.call('listSilences') });
  };
}

/** `POST /v1/silences`: keeps channels from being told of some alerts, for a time. */
export function postSilence(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const token = gate.authorize(c, 'alerts.manage');
    gate.refuseScope(c, token);
    const silence = await readJsonBody(c, newSilenceSchema);
    return c.json(await parts.detection.call('createSilence', silence, byOf(parts, c, token)), 201);
  };
}

/** `DELETE /v1/silences/{id}`: ends a silence before its time. */
export function deleteSilence(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const token = gate.authorize(c, 'alerts.manage');
    gate.refuseScope(c, token);
    return c.json(await parts.detection.call('endSilence', c.req.param('id') ?? '', byOf(parts, c, token)));
  };
}
