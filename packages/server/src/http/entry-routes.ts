import { defaultTrail, type Entry, eventId, SealtrailError } from '@sealtrail/core';
import { tenantsOf } from '../access/permissions.ts';
import { type FoundEntry, findEntry, proveEntry } from '../entry-proof.ts';
import type { Gate } from './authorize.ts';
import type { HttpContext, HttpParts } from './context.ts';
import { parametersOf } from './parameters.ts';
import { recordRead } from './search-routes.ts';

/** `GET /v1/events/{id}`: one entry, as its canonical bytes. */
export function getEvent(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const { index, bytes } = await find(parts, gate, c, 'event.read');
    return new Response(`{"index":${index},"entry":${Buffer.from(bytes).toString('utf8')}}`, {
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    });
  };
}

/** `GET /v1/events/{id}/proof`: a C2SP tlog-proof, with a checkpoint that covers the entry. */
export function getProof(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const found = await find(parts, gate, c, 'event.prove');
    return new Response(await proveEntry(parts, found), {
      headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
    });
  };
}

async function find(parts: HttpParts, gate: Gate, c: HttpContext, action: string): Promise<FoundEntry> {
  const token = gate.authorize(c, 'events.read');
  const trail = parametersOf(c, ['trail']).get('trail') ?? defaultTrail;
  const id = eventId.safeParse(c.req.param('id'));
  if (!id.success) throw new SealtrailError('invalid_parameter', 'id: expected a UUID');
  gate.reach(c, token, trail);
  await recordRead(parts, c, token, action, trail, id.data.toLowerCase());
  const found = findEntry(parts.reader, trail, id.data);
  const tenants = tenantsOf(token);
  const { tenant } = JSON.parse(Buffer.from(found.bytes).toString('utf8')) as Entry;
  // The same answer as for an id that is nowhere: whether another tenant has it is not this token's to know.
  if (tenants && (tenant === undefined || !tenants.includes(tenant)))
    throw new SealtrailError('event_not_found');
  return found;
}
