import { newTrailSchema, type Trail } from '@sealtrail/core';
import { createTrail } from '../access/acts.ts';
import { actorOf, reachesTrail } from '../access/permissions.ts';
import type { TrailStatus } from '../sequencer/protocol.ts';
import type { Gate } from './authorize.ts';
import type { HttpContext, HttpParts } from './context.ts';
import { readJsonBody } from './json-body.ts';
import { sourceOf } from './source.ts';

const trailOf = ({ name, origin, vkey, size, checkpoint }: TrailStatus): Trail => ({
  name,
  origin,
  vkey,
  size,
  checkpoint: checkpoint?.note ?? null,
});

/** `GET /v1/trails`: the trails that the token reaches, by name. */
export function getTrails(parts: HttpParts, gate: Gate): (c: HttpContext) => Response {
  return (c) => {
    const token = gate.authorize(c, 'trails.read');
    const trails = parts.log.trails().filter(({ name }) => reachesTrail(token, name));
    return c.json({ trails: trails.map(trailOf).sort((a, b) => (a.name < b.name ? -1 : 1)) });
  };
}

/** `POST /v1/trails`: makes a trail. */
export function postTrail(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const token = gate.authorize(c, 'trails.write');
    // It holds entries of all, everybody's verification asks for its key, and it cannot be removed.
    gate.refuseTenantScope(c, token, 'the token is limited to tenants; a trail is of all');
    const { name } = await readJsonBody(c, newTrailSchema);
    if (!reachesTrail(token, name)) throw gate.denied(c, token, 'the token does not reach this trail');
    const trail = await createTrail(parts, name, { actor: actorOf(token), ...sourceOf(parts, c) });
    return c.json(trailOf(trail), 201);
  };
}

/** `GET /v1/trails/{trail}/producers`: the producers of a trail, with the gaps in their sequences. */
export function getProducers(parts: HttpParts, gate: Gate): (c: HttpContext) => Response {
  return (c) => {
    const token = gate.authorize(c, 'trails.read');
    const trail = c.req.param('trail') ?? '';
    gate.reach(c, token, trail);
    gate.refuseTenantScope(c, token);
    const producers = parts.producers
      .list(trail)
      .map(({ producer, firstSeq, lastSeq, missing }) => ({ producer, firstSeq, lastSeq, missing }));
    return c.json({ producers });
  };
}
