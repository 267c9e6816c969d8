import { type Event, eventLimits, type Receipt, SealtrailError, uuidV7 } from '@sealtrail/core';
import { type Clock, type RandomBytes, systemClock, systemRandom } from './clock.ts';
import type { RecordContext } from './context.ts';
import { DeliveryQueue, type QueueLimits } from './delivery-queue.ts';
import { createEncoder } from './encode.ts';
import { type HttpTransportOptions, httpTransport } from './http-transport.ts';
import type { RecorderProducer } from './producer-sequences.ts';
import type { EncodedEvent, Transport } from './transport.ts';
import { markReported, warnOnce } from './warn.ts';

/**
 * Takes events and says when they are durable. Implemented by {@link createRecorder}, which sends to a server, and by
 * the in-process engine; capture middleware and context work with either.
 */
export interface Recorder extends AsyncDisposable {
  /**
   * Records one event. What it leaves out is filled in: `id`, `time`, `producer`, and fields of the current context.
   * The event is read before `record` returns; changing it afterwards has no effect.
   *
   * A promise that nobody looks at causes no unhandled rejection.
   *
   * @returns its receipt, once the event is durable
   * @throws SealtrailError (by rejecting): `invalid_event`, `entry_too_large`, `id_conflict` and other refusals of this
   *   event; `overloaded` when events come faster than they can be taken; `unauthenticated`, `forbidden`;
   *   `not_delivered` when time ran out; `recorder_closed`
   */
  record(event: Event): Promise<Receipt>;
  /** Hurries; resolves when everything recorded before is durable or has failed. Never rejects. */
  flush(): Promise<void>;
  /** Takes no more events, flushes, and frees what it holds. Never rejects; calling it again waits for the same end. */
  close(): Promise<void>;
}

/** A recorder with a queue of its own. */
export interface QueueingRecorder extends Recorder {
  /**
   * Resolves when the queue has room, or when the recorder is closed. A loop that does not wait for receipts waits for
   * this before each `record`.
   */
  ready(): Promise<void>;
  /** Events that are not decided yet. */
  readonly pendingEvents: number;
}

/** How a recorder batches, waits and gives up. Everything has a default. */
export interface RecorderSettings {
  /** How long the first event of a batch waits for company. Default 10 ms; 0 batches what one turn of the event loop brings. */
  readonly lingerMs?: number;
  /** Default 500. */
  readonly maxBatchEvents?: number;
  /** Bytes of JSON in a request. Default 1 MiB; it shrinks by itself when the server allows less. */
  readonly maxBatchBytes?: number;
  /** Events in the queue, in flight included; beyond it `record` rejects with `overloaded`. Default 10,000. */
  readonly maxQueueEvents?: number;
  /** Bytes of JSON in the queue; beyond it `record` rejects with `overloaded`. Default 16 MiB. */
  readonly maxQueueBytes?: number;
  /** Time for one request. Default 10,000 ms. */
  readonly attemptTimeoutMs?: number;
  /** Time for an event, retries included, after which it fails with `not_delivered`. Default 60,000 ms. */
  readonly deliveryTimeoutMs?: number;
  /** Time that `close` gives the queue to empty. Default 10,000 ms. */
  readonly closeTimeoutMs?: number;
  /** Bound of the first random pause before a retry; it doubles with each failure. Default 200 ms. */
  readonly retryBaseMs?: number;
  /** Largest bound of that pause. Default 15,000 ms. A Retry-After of the server is waited out in any case, up to 2 minutes. */
  readonly retryMaxMs?: number;
  /** What events say when neither they nor their context say it, such as the service and the environment. */
  readonly defaults?: RecordContext;
  /**
   * Field paths whose values are replaced by `[redacted]` before anything leaves the process: `actor.email`,
   * `metadata.card.number`, `changes.before`. `*` stands for any one name; lists are looked through. Fields that cannot
   * hold a text, such as `source.ip`, are left out.
   */
  readonly redact?: readonly string[];
  /**
   * Identity in `producer`, by which a trail shows missing events. Default: a random id, and in each trail numbers from
   * 0. Give a fixed id only together with a `firstSeq` that goes on where the last process ended.
   */
  readonly producer?: RecorderProducer;
  /**
   * Called for each event that could not be recorded, awaited or not, with the event as it would have been sent: id and
   * all, so that it can be kept and recorded again. The event is undefined when it could not be written as JSON.
   * Default: a process warning, once for each error code.
   */
  readonly onError?: (error: SealtrailError, event: Event | undefined) => void;
  readonly clock?: Clock;
  readonly random?: RandomBytes;
}

/** A server to send to, or any other transport; and settings. */
export type RecorderOptions = RecorderSettings &
  ((HttpTransportOptions & { readonly transport?: never }) | { readonly transport: Transport });

/** Default, least and greatest of each limit. */
const limits: Record<keyof QueueLimits, readonly [initial: number, min: number, max: number]> = {
  lingerMs: [10, 0, 60_000],
  maxBatchEvents: [500, 1, 10_000],
  maxBatchBytes: [1_048_576, 1024, 67_108_864],
  maxQueueEvents: [10_000, 1, 1_000_000],
  // At least one event of any size must fit, or ready() would wait for ever.
  maxQueueBytes: [16_777_216, eventLimits.entryBytes, 1_073_741_824],
  attemptTimeoutMs: [10_000, 1, 600_000],
  deliveryTimeoutMs: [60_000, 1, 86_400_000],
  closeTimeoutMs: [10_000, 0, 86_400_000],
  retryBaseMs: [200, 1, 60_000],
  retryMaxMs: [15_000, 1, 600_000],
};

/**
 * Makes a recorder that batches events, sends them to a Sealtrail server, and sends them again until they are durable
 * or their time is over. Order is kept: one request at a time is under way.
 *
 * @example
 * ```ts
 * await using recorder = createRecorder({ url: 'https://audit.example.com', token: 'stk_...' });
 * await recorder.record({ action: 'invoice.refund', targets: [{ type: 'invoice', id: 'in_42' }] });
 * ```
 * @throws SealtrailError invalid_configuration
 */
export function createRecorder(options: RecorderOptions): QueueingRecorder {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? systemRandom;
  const onError = options.onError ?? warnOnce;
  const transport = options.transport ?? httpTransport({ ...options, clock });
  const queue = new DeliveryQueue(transport, readLimits(options), clock, random);
  const encode = createEncoder({
    clock,
    random,
    producer: options.producer ?? { id: uuidV7(clock.now(), random(10)), firstSeq: 0 },
    defaults: options.defaults,
    redact: options.redact ?? [],
  });

  function record(event: Event): Promise<Receipt> {
    let encoded: EncodedEvent | undefined;
    let receipt: Promise<Receipt>;
    try {
      const sized = encode(event);
      encoded = sized;
      receipt = queue.add(sized);
    } catch (error) {
      receipt = Promise.reject(error);
    }
    // This also marks the promise as looked at, so that ignoring it is allowed.
    receipt.catch((error: SealtrailError) => {
      if (options.onError) markReported(error);
      try {
        onError(error, encoded && (JSON.parse(encoded.json) as Event));
      } catch (cause) {
        warnOnce(new SealtrailError('internal', 'onError of the recorder has thrown', { cause }));
      }
    });
    return receipt;
  }

  const close = (): Promise<void> => queue.close();
  return {
    record,
    flush: () => queue.flush(),
    close,
    ready: () => queue.ready(),
    get pendingEvents(): number {
      return queue.size;
    },
    [Symbol.asyncDispose]: close,
  };
}

function readLimits(settings: RecorderSettings): QueueLimits {
  const entries = Object.entries(limits).map(([name, [initial, min, max]]) => {
    const value = settings[name as keyof QueueLimits] ?? initial;
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new SealtrailError('invalid_configuration', `${name}: expected an integer from ${min} to ${max}`);
    }
    return [name, value];
  });
  return Object.fromEntries(entries) as QueueLimits;
}
