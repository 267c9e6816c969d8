import { newSilenceSchema } from '@sealtrail/core';
import { may, systemTrail } from '../access/permissions.ts';
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

/**
 * `POST /v1/silences`: keeps channels from being told of some alerts, for a time. Whoever may not read the trail `system`
 * mutes nothing that is found in it: what they do themselves is told there.
 */
export function postSilence(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const token = gate.authorize(c, 'alerts.manage');
    gate.refuseScope(c, token);
    const silence = await readJsonBody(c, newSilenceSchema);
    const exceptSystem = !may(token, 'system.read');
    if (exceptSystem && silence.match.trail === systemTrail)
      throw gate.denied(c, token, 'the token may not read the trail system, nor silence what is found in it');
    return c.json(
      await parts.detection.call('createSilence', silence, exceptSystem, byOf(parts, c, token)),
      201,
    );
  };
}

/** `DELETE /v1/silences/{id}`: ends a silence before its time; one that is about the trail `system` too for who may read that. */
export function deleteSilence(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const token = gate.authorize(c, 'alerts.manage');
    gate.refuseScope(c, token);
    const id = c.req.param('id') ?? '';
    if (!may(token, 'system.read')) {
      // What a silence is about never changes, so it is the same when it is ended.
      const silence = (await parts.detection.call('listSilences')).find((one) => one.id === id);
      const { trail = systemTrail } = silence?.match ?? {};
      if (silence !== undefined && !silence.exceptSystem && trail === systemTrail)
        throw gate.denied(
          c,
          token,
          'the silence is about the trail system too, which the token may not read',
        );
    }
    return c.json(await parts.detection.call('endSilence', id, byOf(parts, c, token)));
  };
}
