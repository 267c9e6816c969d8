import { compileFilter, type Entry, SealtrailError } from '@sealtrail/core';
import { tenantsOf } from '../access/permissions.ts';
import type { Gate } from './authorize.ts';
import type { HttpContext, HttpParts } from './context.ts';
import { integer, parseSearch, recordRead } from './search-routes.ts';

const maxStreams = 64;
/** Entries looked at between two turns of the event loop. */
const entriesPerTurn = 256;
const heartbeatMs = 15_000;

const text = new TextDecoder();

/**
 * `GET /v1/events/stream`: entries as they become durable, as server-sent events whose id is the entry's index. A
 * reader that comes back with `Last-Event-ID` (or `from`) misses nothing.
 */
export function streamEvents(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  let open = 0;
  return async (c) => {
    const { trail, filter } = parseSearch(c, parts.now(), ['from']);
    const token = gate.authorizeTrail(c, 'events.read', trail);
    if (open >= maxStreams)
      throw new SealtrailError('too_many_streams', undefined, { retryAfterSeconds: 30 });
    const from = resumeAt(c) ?? parts.log.trail(trail)!.size;
    await recordRead(parts, c, token, 'event.stream', trail);
    const tenants = tenantsOf(token);
    const matches = compileFilter(filter);
    const wanted = (entry: Entry): boolean =>
      (!tenants || (entry.tenant !== undefined && tenants.includes(entry.tenant))) && matches(entry);
    open++;
    const isValid = (): boolean =>
      parts.tokens.list().some(({ id, revokedAt }) => id === token.id && revokedAt === null);
    const signal = AbortSignal.any([c.req.raw.signal, parts.closing]);
    const body = ReadableStream.from(frames(parts, trail, from, wanted, isValid, signal, () => open--));
    return new Response(body.pipeThrough(new TextEncoderStream()), {
      headers: {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      },
    });
  };
}

/** Follows a trail from an index; pulled by the reader, so a slow one holds up nobody but itself. */
async function* frames(
  parts: HttpParts,
  trail: string,
  from: number,
  wanted: (entry: Entry) => boolean,
  isValid: () => boolean,
  signal: AbortSignal,
  done: () => void,
): AsyncGenerator<string> {
  const growth = new Growth();
  const unlisten = parts.log.listen({
    grew: (sizes) => sizes.some(([name]) => name === trail) && growth.signal(),
  });
  signal.addEventListener('abort', () => growth.signal(), { once: true });
  let next = from;
  try {
    yield ': following\n\n';
    while (!signal.aborted && isValid()) {
      const size = parts.log.trail(trail)!.size;
      if (next >= size) {
        if (!(await growth.wait(heartbeatMs)) && !signal.aborted) yield ': still here\n\n';
        continue;
      }
      const to = Math.min(size, next + entriesPerTurn);
      let frame = '';
      for (const bytes of parts.reader.entries(trail, next, to)) {
        const entry = text.decode(bytes);
        if (wanted(JSON.parse(entry) as Entry))
          frame += `id: ${next}\nevent: entry\ndata: {"index":${next},"entry":${entry}}\n\n`;
        next++;
      }
      if (frame) yield frame;
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    unlisten();
    done();
  }
}

/** Lets one loop wait for the next sign of growth; a sign that came meanwhile counts. */
class Growth {
  #isPending = false;
  #wake: (() => void) | undefined;

  signal(): void {
    this.#isPending = true;
    this.#wake?.();
  }

  /** True when there was a sign, false when the time ran out. */
  async wait(timeoutMs: number): Promise<boolean> {
    if (!this.#isPending) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    const had = this.#isPending;
    this.#isPending = false;
    return had;
  }
}

function resumeAt(c: HttpContext): number | undefined {
  const last = c.req.header('last-event-id');
  if (last === undefined) return integer(c, 'from', 0, Number.MAX_SAFE_INTEGER);
  if (!/^\d{1,16}$/.test(last))
    throw new SealtrailError('invalid_parameter', 'Last-Event-ID: expected the index of an entry');
  return Number(last) + 1;
}
