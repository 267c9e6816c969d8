import { compileFilter, type Entry, SealtrailError } from '@sealtrail/core';
import { tenantsOf } from '../access/permissions.ts';
import type { Gate } from './authorize.ts';
import type { HttpContext, HttpParts } from './context.ts';
import { eventStream, heartbeatMs } from './event-stream.ts';
import { Growth } from './growth.ts';
import { integer, type Parameters, parametersOf } from './parameters.ts';
import { parseSearch, recordRead } from './search-routes.ts';
import { StreamPlaces } from './stream-places.ts';

/** Entries looked at between two turns of the event loop. */
const entriesPerTurn = 256;
/** A frame that has grown to this size is sent before more is put into it. */
const maxFrameLength = 256 * 1024;
const decoder = new TextDecoder();

/** What one reader of a stream is shown. */
interface Following {
  readonly trail: string;
  readonly from: number;
  readonly wanted: (entry: Entry) => boolean;
  /** Whether the reader's token still is one. */
  readonly isValid: () => boolean;
  readonly signal: AbortSignal;
}

/**
 * `GET /v1/events/stream`: entries as they become durable, as server-sent events whose id is the entry's index. A
 * reader that comes back with `Last-Event-ID` (or `from`) misses nothing.
 */
export function streamEvents(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  const places = new StreamPlaces();
  return async (c) => {
    const token = gate.authorize(c, 'events.read');
    const parameters = parametersOf(c);
    const { trail, filter } = parseSearch(parameters, parts.now(), ['from']);
    gate.reach(c, token, trail);
    const from = resumeAt(c, parameters, parts.log.trail(trail)!.size);
    const tenants = tenantsOf(token);
    const matches = compileFilter(filter);
    const free = places.take(token.id);
    return eventStream(c, {
      free,
      closing: parts.closing,
      begin: () => recordRead(parts, c, token, 'event.stream', trail),
      frames: (signal) =>
        frames(parts, {
          trail,
          from,
          wanted: (entry) =>
            (!tenants || (entry.tenant !== undefined && tenants.includes(entry.tenant))) && matches(entry),
          isValid: () => parts.tokens.isStillValid(token),
          signal,
        }),
    });
  };
}

/** Follows a trail from an index, until the signal or the end of the token. */
async function* frames(
  parts: HttpParts,
  { trail, from, wanted, isValid, signal }: Following,
): AsyncGenerator<string> {
  const growth = new Growth();
  const unlisten = parts.log.listen({
    grew: (sizes) => sizes.some(([name]) => name === trail) && growth.signal(),
  });
  signal.addEventListener('abort', () => growth.signal(), { once: true });
  let next = from;
  try {
    yield following(next);
    while (!signal.aborted && isValid()) {
      const size = parts.log.trail(trail)!.size;
      if (next >= size) {
        if (!(await growth.wait(heartbeatMs)) && !signal.aborted) yield following(next);
        continue;
      }
      let frame = '';
      for (const bytes of parts.reader.entries(trail, next, Math.min(size, next + entriesPerTurn))) {
        const entry = decoder.decode(bytes);
        if (wanted(JSON.parse(entry) as Entry))
          frame += `id: ${next}\nevent: entry\ndata: {"index":${next},"entry":${entry}}\n\n`;
        next++;
        if (frame.length > maxFrameLength) break;
      }
      if (frame) yield frame;
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    unlisten();
  }
}

/**
 * Says to a reader whom nothing was sent yet, or for long, from where to go on: an id without data is no event, but is
 * what it comes back with (WHATWG HTML, server-sent events, 9.2.6). -1 is before the first entry.
 */
const following = (next: number): string => `: following\nid: ${next - 1}\n\n`;

/** The index of the first entry to send: one that is there, or the one to come. What is behind it may never come. */
function resumeAt(c: HttpContext, parameters: Parameters, size: number): number {
  const last = c.req.header('last-event-id');
  if (last !== undefined && !/^(?:-1|\d{1,15})$/.test(last))
    throw new SealtrailError('invalid_parameter', 'Last-Event-ID: expected the index of an entry');
  const from = last === undefined ? integer(parameters, 'from') : Number(last) + 1;
  if (from === undefined || from <= size) return from ?? size;
  throw new SealtrailError(
    'invalid_parameter',
    last === undefined
      ? 'from: expected the index of an entry of the trail, or of the next one'
      : 'Last-Event-ID: expected the index of an entry of the trail; was it set back to an older copy?',
  );
}
