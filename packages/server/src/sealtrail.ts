import {
  createRecorder,
  type DeliveryResult,
  type EncodedEvent,
  type QueueingRecorder,
  type RecorderSettings,
  type Transport,
} from '@sealtrail/client';
import {
  defaultTrail,
  type Event,
  eventId,
  type Filter,
  parseFilter,
  type Receipt,
  SealtrailError,
  type Stats,
  type StoredEntry,
} from '@sealtrail/core';
import { ownerScope } from './access/scopes.ts';
import { type ConfigInput, parseConfig } from './config.ts';
import { findEntry, proveEntry } from './entry-proof.ts';
import { type Engine, openEngine } from './main.ts';
import type { EventQuery } from './ports.ts';
import { boundedLimit, existingIndex, limits } from './search-bounds.ts';
import type { TrailStatus } from './sequencer/protocol.ts';

/** Where the data lies, and how the recorder batches. No environment variable is read. */
export type SealtrailOptions = Omit<ConfigInput, 'host' | 'port' | 'adminToken' | 'dir'> & {
  /** The data folder; made when it is not there. */
  readonly dir: string;
  readonly recorder?: RecorderSettings;
};

/** Which events to find. */
export interface EventSearchOptions {
  /** Default `main`. */
  readonly trail?: string;
  /** Query text, such as `actor:u_12 outcome:failure since:24h`; or a filter made of it. Default: everything. */
  readonly q?: string | Filter;
  /** From 1 to 1000; default 50, of counts 10. */
  readonly limit?: number;
  readonly cursor?: string;
  /** Wait until the entry with this index, such as that of a receipt, is searchable. It has to be there. */
  readonly after?: number;
}

/** The log in this process: the same recorder as the client's, with searches and proofs beside it. */
export interface Sealtrail extends QueueingRecorder {
  /**
   * Records events as one request, all or nothing.
   *
   * @returns a receipt for each, in order, once all are durable
   * @throws SealtrailError by rejecting: as `record`, with the positions at fault in `details`
   */
  recordAll(events: readonly Event[]): Promise<Receipt[]>;
  /** A page of entries, newest first. @throws SealtrailError invalid_query | invalid_cursor | index_behind | index_unavailable */
  query(
    options?: EventSearchOptions,
  ): Promise<{ readonly events: readonly StoredEntry[]; readonly nextCursor: string | null }>;
  /** Counts by the values of a field. @throws SealtrailError invalid_query | invalid_parameter | trail_not_found */
  count(field: string, options?: Omit<EventSearchOptions, 'cursor'>): Promise<Stats>;
  /** A C2SP tlog-proof that an event is in its trail. @throws SealtrailError event_not_found */
  prove(id: string, trail?: string): Promise<string>;
  /** Trails with their verifier keys. */
  trails(): readonly TrailStatus[];
  /** The engine, for serving it over HTTP as well. */
  readonly engine: Engine;
}

/**
 * Opens a data folder in this process: no server. One process owns a folder at a time.
 *
 * @throws SealtrailError data_folder_locked | data_folder_invalid | log_behind_published | log_forked | invalid_configuration
 */
export async function openSealtrail(options: SealtrailOptions): Promise<Sealtrail> {
  const { recorder: settings, ...config } = options;
  const engine = await openEngine(parseConfig({ logLevel: 'warn', ...config, adminToken: undefined }));
  const recorder = createRecorder({ lingerMs: 0, ...settings, transport: engineTransport(engine) });
  const close = async (): Promise<void> => {
    await recorder.close();
    await engine[Symbol.asyncDispose]();
  };
  let closed: Promise<void> | undefined;
  const closeOnce = (): Promise<void> => {
    closed ??= close();
    return closed;
  };
  /** What a search asks for beside its filter, under the rules that hold over HTTP too. */
  const boundsOf = (
    trail: string,
    limit: number,
    after: number | undefined,
  ): Pick<EventQuery, 'limit' | 'after'> => ({
    limit: boundedLimit(limit),
    after: after === undefined ? undefined : existingIndex(after, engine.log.trail(trail)?.size),
  });
  return {
    engine,
    record: (event) => recorder.record(event),
    flush: () => recorder.flush(),
    ready: () => recorder.ready(),
    get pendingEvents() {
      return recorder.pendingEvents;
    },
    async recordAll(events) {
      const request = engine.intake.begin(ownerScope, false);
      for (const event of events) request.addValue(event);
      return [...(await request.finish()).receipts];
    },
    async query({ trail = defaultTrail, q = '*', limit = limits.page, cursor, after } = {}) {
      const nowMs = Date.now();
      const filter = typeof q === 'string' ? parseFilter(q, { nowMs }) : q;
      const { items, nextCursor } = await engine.search.query({
        trail,
        filter,
        cursor,
        nowMs,
        ...boundsOf(trail, limit, after),
      });
      return {
        events: items.map(({ index, entry }) => ({
          index,
          entry: JSON.parse(entry) as StoredEntry['entry'],
        })),
        nextCursor,
      };
    },
    async count(field, { trail = defaultTrail, q = '*', limit = limits.values, after } = {}) {
      const filter = typeof q === 'string' ? parseFilter(q, { nowMs: Date.now() }) : q;
      return engine.search.stats({ trail, filter, field, ...boundsOf(trail, limit, after) });
    },
    async prove(id, trail = defaultTrail) {
      if (!eventId.safeParse(id).success)
        throw new SealtrailError('invalid_parameter', 'id: expected a UUID');
      return proveEntry(engine, findEntry(engine.reader, trail, id));
    },
    trails: () => engine.log.trails(),
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}

/** Delivery into the engine of this process: what is good is stored, the rest is told apart by position. */
export function engineTransport(engine: Engine): Transport {
  return async (events: readonly EncodedEvent[]): Promise<DeliveryResult> => {
    try {
      const request = engine.intake.begin(ownerScope, true);
      for (const { json } of events) request.addLine(Buffer.from(json));
      const { receipts, errors } = await request.settle();
      const refused = new Map(
        errors.map((detail) => [
          detail.position,
          new SealtrailError(detail.code, `${detail.pointer ?? ''} ${detail.message}`.trim(), {
            details: [detail],
          }),
        ]),
      );
      let next = 0;
      return { kind: 'answered', outcomes: events.map((_, i) => refused.get(i) ?? receipts[next++]) };
    } catch (cause) {
      const error =
        cause instanceof SealtrailError ? cause : new SealtrailError('internal', undefined, { cause });
      return { kind: 'unavailable', error, retryAfterMs: (error.retryAfterSeconds ?? 1) * 1000 };
    }
  };
}
