import { type Alert, SealtrailError, severities } from '@sealtrail/core';
import { alertScopeOf } from './alert-routes.ts';
import type { Gate } from './authorize.ts';
import type { HttpContext, HttpParts } from './context.ts';
import { eventStream, heartbeatMs } from './event-stream.ts';
import { Growth } from './growth.ts';
import { integer, oneOf, parametersOf } from './parameters.ts';
import { recordReadOf } from './search-routes.ts';
import { StreamPlaces } from './stream-places.ts';

/** Alerts asked for at a time. */
const alertsPerTurn = 100;

/**
 * `GET /v1/alerts/stream`: alerts as they are opened and change, as server-sent events whose id is the alert's revision. A
 * reader that comes back with `Last-Event-ID` (or `from`) misses no alert; of one that changed several times meanwhile it
 * sees the last state.
 */
export function streamAlerts(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  const places = new StreamPlaces();
  return async (c) => {
    const token = gate.authorize(c, 'alerts.read');
    const parameters = parametersOf(c, ['from', 'minLevel']);
    const from = resumeAfter(c, integer(parameters, 'from'));
    const query = { ...alertScopeOf(token), minLevel: oneOf(parameters, 'minLevel', severities) };
    const last = from ?? (await parts.detection.call('alertRevision'));
    const free = places.take(token.id);
    return eventStream(c, {
      free,
      closing: parts.closing,
      begin: () => recordReadOf(parts, c, token, 'alert.stream', []),
      frames: (signal) =>
        frames(parts, { last, query, isValid: () => parts.tokens.isStillValid(token), signal }),
    });
  };
}

interface Following {
  readonly last: number;
  readonly query: Parameters<typeof alertsAfter>[2];
  readonly isValid: () => boolean;
  readonly signal: AbortSignal;
}

async function* frames(
  parts: HttpParts,
  { last, query, isValid, signal }: Following,
): AsyncGenerator<string> {
  const growth = new Growth();
  const unlisten = parts.detection.listen(() => growth.signal());
  signal.addEventListener('abort', () => growth.signal(), { once: true });
  let revision = last;
  try {
    yield following(revision);
    while (!signal.aborted && isValid()) {
      const alerts = await alertsAfter(parts, revision, query);
      for (const alert of alerts) {
        revision = alert.revision;
        yield `id: ${revision}\nevent: alert\ndata: ${JSON.stringify(alert)}\n\n`;
      }
      if (alerts.length === 0 && !(await growth.wait(heartbeatMs)) && !signal.aborted)
        yield following(revision);
    }
  } finally {
    unlisten();
  }
}

/** While detection is away nothing is new: the stream goes on with it. */
async function alertsAfter(
  parts: HttpParts,
  revision: number,
  query: ReturnType<typeof alertScopeOf> & { readonly minLevel: Alert['level'] | undefined },
): Promise<readonly Alert[]> {
  try {
    return await parts.detection.call('changedAlerts', revision, { ...query, limit: alertsPerTurn });
  } catch (error) {
    if (error instanceof SealtrailError && error.code === 'detection_unavailable') return [];
    throw error;
  }
}

/** See the stream of entries: an id without data is what a reader comes back with. */
const following = (revision: number): string => `: following\nid: ${revision}\n\n`;

function resumeAfter(c: HttpContext, from: number | undefined): number | undefined {
  const last = c.req.header('last-event-id');
  if (last === undefined) return from;
  if (!/^\d{1,15}$/.test(last))
    throw new SealtrailError('invalid_parameter', 'Last-Event-ID: expected the revision of an alert');
  return Number(last);
}
