import {
  and,
  decodeCursor,
  type Filter,
  fieldFilter,
  fields,
  parseFilter,
  SealtrailError,
  type Token,
} from '@sealtrail/core';
import { tenantsOf } from '../access/permissions.ts';
import { actorOf } from '../access/system-trail.ts';
import { defaultTrail } from '../ingest/intake.ts';
import type { Gate } from './authorize.ts';
import type { HttpContext, HttpParts } from './context.ts';
import { sourceOf } from './failed-sign-ins.ts';

const maxLimit = 1000;
const defaultLimit = 50;

/** Parameters that are not fields of an entry. */
const ownParameters = new Set([
  'trail',
  'q',
  'since',
  'until',
  'limit',
  'cursor',
  'after',
  'field',
  'interval',
]);

const intervals: Readonly<Record<string, number>> = {
  minute: 60_000,
  '5m': 300_000,
  '15m': 900_000,
  hour: 3_600_000,
  day: 86_400_000,
};

/** Names of the bucket widths that `interval` takes. */
export const intervalNames: readonly string[] = Object.keys(intervals);

/** `GET /v1/events`: a page of entries, newest first. */
export function getEvents(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const cursor = c.req.query('cursor');
    // On later pages durations go on counting back from where the first page counted.
    const nowMs = cursor === undefined ? parts.now() : decodeCursor(cursor).nowMs;
    const asked = parseSearch(c, nowMs);
    const token = gate.authorizeTrail(c, 'events.read', asked.trail);
    await recordRead(parts, c, token, 'event.search', asked.trail);
    const page = await parts.search.query({
      trail: asked.trail,
      tenants: tenantsOf(token),
      filter: asked.filter,
      limit: integer(c, 'limit', 1, maxLimit) ?? defaultLimit,
      cursor,
      nowMs,
      after: asked.after,
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
    const asked = parseSearch(c, parts.now());
    const token = gate.authorizeTrail(c, 'events.read', asked.trail);
    await recordRead(parts, c, token, 'event.count', asked.trail);
    const stats = await parts.search.stats({
      trail: asked.trail,
      tenants: tenantsOf(token),
      filter: asked.filter,
      field: c.req.query('field'),
      limit: integer(c, 'limit', 1, maxLimit) ?? 10,
      intervalMs: parseInterval(c.req.query('interval')),
      after: asked.after,
    });
    return json(JSON.stringify(stats));
  };
}

/** What the query string asks for: trail, filter, and how far the index must be. */
export function parseSearch(
  c: HttpContext,
  nowMs: number,
  further: readonly string[] = [],
): { trail: string; filter: Filter; after: number | undefined } {
  const filters: Filter[] = [];
  for (const [name, values] of Object.entries(c.req.queries())) {
    if (values.length !== 1)
      throw new SealtrailError(
        'invalid_parameter',
        `${name}: expected once; write (a OR b) in q for alternatives`,
      );
    const value = values[0]!;
    if (name === 'q') filters.push(parseFilter(value, { nowMs }));
    else if (name === 'since' || name === 'until')
      filters.push(parseFilter(`${name}:"${value.replaceAll('"', '')}"`, { nowMs }));
    else if (!ownParameters.has(name) && !further.includes(name))
      filters.push(fieldFilter(name, value, { nowMs }));
  }
  return {
    trail: c.req.query('trail') ?? defaultTrail,
    filter: and(filters),
    after: integer(c, 'after', 0, Number.MAX_SAFE_INTEGER),
  };
}

/** Reads of the audit log are entries themselves, and come before what is read. */
export async function recordRead(
  parts: HttpParts,
  c: HttpContext,
  token: Token,
  action: string,
  trail: string,
): Promise<void> {
  await parts.system.record({
    action,
    category: 'data_access',
    actor: actorOf(token),
    targets: [{ type: 'trail', id: trail }],
    ...sourceOf(c),
    context: { http: { method: c.req.method, route: c.req.routePath } },
    metadata: {
      parameters: Object.keys(c.req.query())
        .slice(0, 32)
        .map((name) => name.slice(0, 64)),
    },
  });
}

/** An integer parameter within bounds, or undefined when it is absent. */
export function integer(c: HttpContext, name: string, min: number, max: number): number | undefined {
  const text = c.req.query(name);
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max))
    throw new SealtrailError('invalid_parameter', `${name}: expected an integer from ${min} to ${max}`);
  return value;
}

function parseInterval(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (Object.hasOwn(intervals, text)) return intervals[text];
  throw new SealtrailError('invalid_parameter', `interval: expected one of ${intervalNames.join(', ')}`);
}

const json = (text: string): Response =>
  new Response(text, { headers: { 'content-type': 'application/json', 'cache-control': 'no-store' } });

/** Names of all fields that can be parameters of a search, for the API document. */
export const fieldParameters: readonly string[] = fields
  .filter(({ name }) => name !== 'trail')
  .map(({ name }) => name);
