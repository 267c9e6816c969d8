import { defaultTrail, eventLimits, parseTime, SealtrailError, type Token, trailName } from '@sealtrail/core';
import {
  builtInSource,
  builtInSources,
  type ImportResponse,
  type LineClock,
  type Source,
} from '@sealtrail/core/sources';
import { actorOf } from '../access/permissions.ts';
import { ingestScopeOf } from '../access/scopes.ts';
import { decodedChunks } from '../ingest/body.ts';
import { bodyFormats } from '../ingest/ingest.ts';
import type { IngestScope } from '../ingest/ingest-scope.ts';
import { importInput } from '../sources/import-input.ts';
import type { InputForm } from '../sources/record-inputs.ts';
import { redactedText } from '../sources/redacted-text.ts';
import type { DeadRecord, ImportCounts } from '../sources/source-import.ts';
import type { Gate } from './authorize.ts';
import type { HttpContext, HttpParts } from './context.ts';
import { maxBodyMs } from './ingest-routes.ts';
import { mediaTypeOf } from './media-type.ts';
import { integer, oneOf, type Parameters, parametersOf } from './parameters.ts';
import { sourceOf } from './source.ts';

/** Dead letters that an answer names. */
const maxNamed = 1000;
const defaultPage = 100;
const maxPage = 1000;

/** `POST /v1/sources/{name}`: imports records of a source, read from the socket's stream as they come. */
export function postSource(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const token = gate.authorize(c, 'events.write');
    if (parts.isDraining()) throw new SealtrailError('shutting_down', undefined, { retryAfterSeconds: 5 });
    const parameters = parametersOf(c, ['trail', 'tenant', 'at', 'keep']);
    const scope = ingestScopeOf(token);
    const place = placeOf(c, gate, token, scope, parameters);
    const source = sourceNamed(c);
    const keeps = oneOf(parameters, 'keep', ['true', 'false']) !== 'false';
    using memory = parts.bodyMemory.open(token.id);
    const total = { accepted: 0, duplicates: 0, skipped: 0, rejected: 0 };
    let earliest: string | null = null;
    const dead: DeadRecord[] = [];
    const onCounts = (counts: ImportCounts): void => {
      total.accepted += counts.accepted;
      total.duplicates += counts.duplicates;
      total.skipped += counts.skipped;
      total.rejected += counts.dead.length;
      if (counts.earliest !== undefined && (earliest === null || counts.earliest < earliest))
        earliest = counts.earliest;
      count(parts, source, counts);
      if (counts.dead.length === 0) return;
      dead.push(...counts.dead.slice(0, maxNamed - dead.length));
      if (keeps) keep(parts, source, place, counts.dead);
    };
    await importInput(
      { source, intake: parts.intake, reader: parts.reader, scope, ...place },
      {
        chunks: decodedChunks(
          c.env.incoming,
          c.req.header('content-encoding'),
          parts.ingestLimits.maxStreamBytes,
          AbortSignal.timeout(maxBodyMs),
        ),
        form: formOf(source, c.req.header('content-type')),
        clock: clockOf(parameters, parts.now()),
        maxBytes: parts.ingestLimits.maxStreamBytes,
        hold: (bytes) => memory.add(bytes),
        onCounts,
      },
    );
    const answer: ImportResponse = {
      ...total,
      earliest,
      deadLetters: dead.map(({ position, offset, code, reason }) => ({ position, offset, code, reason })),
    };
    return new Response(JSON.stringify(answer), {
      status: total.accepted > 0 ? 201 : 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    });
  };
}

/** `GET /v1/sources/{name}/dead-letters`: what could not be imported, with its text. */
export function getDeadLetters(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const token = gate.authorize(c, 'sources.manage');
    gate.refuseScope(c, token);
    const source = sourceNamed(c);
    const parameters = parametersOf(c, ['after', 'limit']);
    const limit = Math.min(maxPage, Math.max(1, integer(parameters, 'limit') ?? defaultPage));
    const after = integer(parameters, 'after') ?? 0;
    // A record may hold what an entry would: reading it is recorded as well, before it is read.
    await recordAct(parts, c, token, 'dead_letter.read', source);
    const { letters, dropped } = parts.deadLetters.deadLetters(source.name, after, limit);
    return new Response(
      JSON.stringify({
        deadLetters: letters.map(({ source: _name, tenant, receivedMs, ...letter }) => ({
          ...letter,
          tenant: tenant ?? null,
          receivedAt: new Date(receivedMs).toISOString(),
        })),
        dropped,
        nextAfter: letters.length === limit ? letters.at(-1)!.id : null,
      }),
      { headers: { 'content-type': 'application/json', 'cache-control': 'no-store' } },
    );
  };
}

/** `DELETE /v1/sources/{name}/dead-letters`: forgets what has been dealt with. */
export function deleteDeadLetters(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const token = gate.authorize(c, 'sources.manage');
    gate.refuseScope(c, token);
    const source = sourceNamed(c);
    const through = integer(parametersOf(c, ['through']), 'through') ?? Number.MAX_SAFE_INTEGER;
    await recordAct(parts, c, token, 'dead_letter.delete', source);
    return c.json({ removed: parts.deadLetters.removeDeadLetters(source.name, through) });
  };
}

/** @throws SealtrailError source_not_found */
function sourceNamed(c: HttpContext): Source {
  const source = builtInSource(c.req.param('name') ?? '');
  if (source) return source;
  throw new SealtrailError('source_not_found', `expected one of ${[...builtInSources().keys()].join(', ')}`);
}

/** The trail and the tenant that records go to. @throws SealtrailError invalid_parameter | forbidden */
function placeOf(
  c: HttpContext,
  gate: Gate,
  token: Token,
  scope: IngestScope,
  parameters: Parameters,
): { readonly trail: string; readonly tenant: string | undefined } {
  const name = trailName.safeParse(parameters.get('trail') ?? defaultTrail);
  const wanted = parameters.get('tenant');
  if (!name.success) throw new SealtrailError('invalid_parameter', 'trail: expected the name of a trail');
  if (
    wanted !== undefined &&
    (wanted === '' || wanted.length > eventLimits.shortText || !wanted.isWellFormed())
  )
    throw new SealtrailError('invalid_parameter', 'tenant: expected 1 to 256 characters');
  const refused = scope.refuseTrail(name.data);
  if (refused !== undefined) throw gate.denied(c, token, refused);
  const tenant = scope.tenantOf(wanted);
  if ('refused' in tenant) throw gate.denied(c, token, tenant.refused);
  return { trail: name.data, tenant: tenant.tenant };
}

/** Lines in JSON Lines stand in objects; otherwise the body is what the source writes, whatever it is called. */
function formOf(source: Source, contentType: string | undefined): InputForm {
  const mediaType = mediaTypeOf(contentType);
  const format = mediaType === undefined ? undefined : bodyFormats[mediaType];
  if (source.input === 'json' || format === undefined) return 'plain';
  if (format === 'ndjson') return 'wrapped';
  throw new SealtrailError(
    'unsupported_media_type',
    'expected lines as text/plain, or {"line": "..."} a line as application/x-ndjson',
  );
}

/** `at` says when lines without a year, or without a zone, were written at the latest, and in which zone. */
function clockOf(parameters: Parameters, nowMs: number): LineClock {
  const at = parameters.get('at');
  if (at === undefined) return { latestMs: nowMs, offsetMinutes: 0 };
  const latestMs = parseTime(at);
  if (latestMs === undefined)
    throw new SealtrailError(
      'invalid_parameter',
      'at: expected an RFC 3339 time, such as 2026-01-31T09:30:00+01:00',
    );
  const [, sign, hours = '0', minutes = '0'] = /([+-])(\d{2}):(\d{2})$/.exec(at) ?? [];
  const offset = Number(hours) * 60 + Number(minutes);
  return { latestMs, offsetMinutes: sign === '-' ? -offset : offset };
}

function count({ metrics }: HttpParts, { name: source }: Source, counts: ImportCounts): void {
  metrics.events.inc(counts.accepted + counts.duplicates);
  metrics.sourceRecords.inc({ source, outcome: 'accepted' }, counts.accepted);
  metrics.sourceRecords.inc({ source, outcome: 'duplicate' }, counts.duplicates);
  metrics.sourceRecords.inc({ source, outcome: 'skipped' }, counts.skipped);
  metrics.sourceRecords.inc({ source, outcome: 'dead' }, counts.dead.length);
}

function keep(
  { deadLetters, intake, now }: HttpParts,
  { name: source }: Source,
  place: { readonly trail: string; readonly tenant: string | undefined },
  dead: readonly DeadRecord[],
): void {
  const receivedMs = now();
  deadLetters.addDeadLetters(
    dead.map(({ position, code, reason, text }) => ({
      source,
      ...place,
      receivedMs,
      position,
      code,
      reason,
      text: redactedText((event) => intake.redacted(event), text),
    })),
  );
}

/** What is done with dead letters is in the trail `system`, as what is done with the log is. */
async function recordAct(
  parts: HttpParts,
  c: HttpContext,
  token: Token,
  action: string,
  source: Source,
): Promise<void> {
  await parts.system.record({
    action,
    category: 'data_access',
    actor: actorOf(token),
    targets: [{ type: 'source', id: source.name }],
    ...sourceOf(parts, c),
  });
}
