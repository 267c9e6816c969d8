import {
  and,
  decodeCursor,
  defaultTrail,
  type Event,
  type Filter,
  fieldFilter,
  fields,
  parseFilter,
  resolveField,
  SealtrailError,
  type Token,
} from '@sealtrail/core';
import { actorOf, tenantsOf } from '../access/permissions.ts';
import { boundedLimit, existingIndex, limits } from '../search-bounds.ts';
import type { Gate } from './authorize.ts';
import type { HttpContext, HttpParts } from './context.ts';
import { integer, oneOf, type Parameters, parametersOf } from './parameters.ts';
import { routeOf } from './route-of.ts';
import { sourceOf } from './source.ts';

const intervals = {
  minute: 60_000,
  '5m': 300_000,
  '15m': 900_000,
  hour: 3_600_000,
  day: 86_400_000,
} as const;

/** Names of the bucket widths that `interval` takes. */
export const intervalNames: readonly (keyof typeof intervals)[] = Object.keys(
  intervals,
) as (keyof typeof intervals)[];

/** `GET /v1/events`: a page of entries, newest first. */
export function getEvents(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const token = gate.authorize(c, 'events.read');
    const parameters = parametersOf(c);
    const cursor = parameters.get('cursor');
    // On later pages durations go on counting back from where the first page counted.
    const nowMs = cursor === undefined ? parts.now() : decodeCursor(cursor).nowMs;
    const { trail, filter } = parseSearch(parameters, nowMs, ['limit', 'cursor', 'after']);
    const limit = boundedLimit(integer(parameters, 'limit') ?? limits.page);
    gate.reach(c, token, trail);
    const after = readAfter(parts, parameters, trail);
    await recordRead(parts, c, token, 'event.search', trail);
    const page = await parts.search.query({
      trail,
      tenants: tenantsOf(token),
      filter,
      limit,
      cursor,
      nowMs,
      after,
    });
    // Entries go out as the text that the log holds; parsing them to write them again would cost most of the page.
    const events = page.items.map(({ index, entry }) => `{"index":${index},"entry":${entry}}`).join(',');
    return json(
      `{"events":[${events}],"nextCursor":${JSON.stringify(page.nextCursor)},"indexedSize":${page.indexedSize}}`,
    );
  };
}

/** `GET /v1/stats`: counts by field and by time. */
export function getStats(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const token = gate.authorize(c, 'events.read');
    const parameters = parametersOf(c);
    const { trail, filter } = parseSearch(parameters, parts.now(), ['field', 'interval', 'limit', 'after']);
    const interval = oneOf(parameters, 'interval', intervalNames);
    const limit = boundedLimit(integer(parameters, 'limit') ?? limits.values);
    gate.reach(c, token, trail);
    const after = readAfter(parts, parameters, trail);
    await recordRead(parts, c, token, 'event.count', trail);
    const stats = await parts.search.stats({
      trail,
      tenants: tenantsOf(token),
      filter,
      field: parameters.get('field'),
      limit,
      intervalMs: interval && intervals[interval],
      after,
    });
    return json(JSON.stringify(stats));
  };
}

/**
 * What the query string asks for: trail and filter.
 *
 * @param own parameters of the route that are no conditions
 * @throws SealtrailError invalid_parameter | invalid_query
 */
export function parseSearch(
  parameters: Parameters,
  nowMs: number,
  own: readonly string[],
): { readonly trail: string; readonly filter: Filter } {
  const filters: Filter[] = [];
  for (const [name, value] of parameters) {
    if (name === 'q') filters.push(parseFilter(value, { nowMs }));
    else if (name !== 'trail' && !own.includes(name)) filters.push(conditionOf(name, value, nowMs));
  }
  return { trail: parameters.get('trail') ?? defaultTrail, filter: and(filters) };
}

function conditionOf(name: string, value: string, nowMs: number): Filter {
  if (name !== 'since' && name !== 'until' && resolveField(name) === undefined)
    throw new SealtrailError(
      'invalid_parameter',
      `${name.slice(0, 64)}: no such parameter and no such field`,
    );
  try {
    return fieldFilter(name, value, { nowMs });
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    throw new SealtrailError(error.code, `${name.slice(0, 64)}: ${error.message}`);
  }
}

function readAfter(parts: HttpParts, parameters: Parameters, trail: string): number | undefined {
  const after = integer(parameters, 'after');
  return after === undefined ? undefined : existingIndex(after, parts.log.trail(trail)?.size);
}

/** Reads of the audit log are entries themselves, and come before what is read. */
export function recordRead(
  parts: HttpParts,
  c: HttpContext,
  token: Token,
  action: string,
  trail: string,
  /** The event that was asked for, where it was one. */
  id?: string,
): Promise<void> {
  const event = id === undefined ? [] : [{ type: 'event', id }];
  return recordReadOf(parts, c, token, action, [{ type: 'trail', id: trail }, ...event]);
}

/** As {@link recordRead}, of whatever holds what was read in the log. */
export async function recordReadOf(
  parts: HttpParts,
  c: HttpContext,
  token: Token,
  action: string,
  targets: NonNullable<Event['targets']>,
): Promise<void> {
  await parts.system.record({
    action,
    category: 'data_access',
    actor: actorOf(token),
    targets,
    ...sourceOf(parts, c),
    context: { http: { method: c.req.method, route: routeOf(c) } },
    metadata: {
      // Names only: what was looked for may be personal.
      parameters: [...parametersOf(c).keys()].slice(0, 32).map((name) => name.slice(0, 64).toWellFormed()),
    },
  });
}

const json = (text: string): Response =>
  new Response(text, { headers: { 'content-type': 'application/json', 'cache-control': 'no-store' } });

/** Names of all fields that can be parameters of a search, for the API document. */
export const fieldParameters: readonly string[] = fields
  .filter(({ name }) => name !== 'trail')
  .map(({ name }) => name);
