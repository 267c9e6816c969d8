import type { Receipt, SealtrailError } from '@sealtrail/core';

/**
 * An event ready to travel: complete (id, time, producer), redacted, and written once. Every attempt sends these very
 * characters, so that the server recognises a repetition by id and content. A durable spool or a transactional outbox
 * stores exactly this.
 */
export interface EncodedEvent {
  readonly id: string;
  /** The event as one line of JSON. */
  readonly json: string;
}

/** What became of a batch. */
export type DeliveryResult =
  | {
      readonly kind: 'answered';
      /**
       * One for each event, in order: its receipt, why it was refused, or undefined where nothing is decided and the
       * event is to be sent again (without those that were refused). At least one is decided.
       */
      readonly outcomes: readonly (Receipt | SealtrailError | undefined)[];
    }
  | {
      readonly kind: 'refused';
      readonly error: SealtrailError;
      /** True when a part of the batch may be acceptable: it is then sent in smaller parts. */
      readonly divisible: boolean;
    }
  | {
      /** Nothing is known to be stored; the same batch may be sent again. */
      readonly kind: 'unavailable';
      readonly error: SealtrailError;
      /** The earliest time for the next attempt, from now, where the other side named one. */
      readonly retryAfterMs?: number | undefined;
    };

/**
 * Takes a batch to where it becomes durable. It is called with one batch at a time, must be idempotent by event id, and
 * should give up when the signal is aborted. A transport that throws counts as unavailable.
 */
export type Transport = (events: readonly EncodedEvent[], signal: AbortSignal) => Promise<DeliveryResult>;
