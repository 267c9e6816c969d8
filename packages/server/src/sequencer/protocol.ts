import type { ErrorCode, ErrorDetail, NoteSignature } from '@sealtrail/core';

/**
 * A batch of entries on its way to the log thread. Everything is packed into a few buffers that are transferred, so
 * that the cost of crossing the threads is a batch's, not an event's.
 */
export interface AppendBatch {
  readonly kind: 'append';
  readonly batch: number;
  /** Entries in tlog-tiles form (16-bit length, then the bytes), with room for the receive time. */
  readonly bytes: Uint8Array;
  /** Offset of each entry's first byte in `bytes`. */
  readonly starts: Uint32Array;
  /** Offset of each entry's receive time in `bytes`. */
  readonly slots: Uint32Array;
  /** 16 bytes an entry: its event id. */
  readonly ids: Uint8Array;
  /** Index into `trails` for each entry. */
  readonly trailOf: Uint32Array;
  readonly trails: readonly string[];
  /** 1 where the server chose the event's time: such an event sent again may carry another. */
  readonly timeChosen: Uint8Array;
  /** Entries in each request, in order. */
  readonly groupSizes: Uint32Array;
  /** 1 where the request takes what is good and reports the rest; 0 where it is all or nothing. */
  readonly groupPartial: Uint8Array;
}

/** What the main thread asks of the log thread. */
export type LogRequest =
  | AppendBatch
  | { readonly kind: 'createTrail'; readonly request: number; readonly name: string }
  | { readonly kind: 'publish'; readonly request: number; readonly trail: string }
  /** Begin to sign; only a thread that was told to wait for it waits. */
  | { readonly kind: 'startSigning' }
  /** Cosignatures of a checkpoint of this size, verified already. */
  | {
      readonly kind: 'cosign';
      readonly trail: string;
      readonly size: number;
      readonly signatures: readonly NoteSignature[];
    }
  /** A checkpoint of this trail that a witness shows: hold it against the log. */
  | { readonly kind: 'compare'; readonly request: number; readonly trail: string; readonly note: string }
  | { readonly kind: 'close'; readonly request: number };

/** What became of one entry: where it is, or why it was refused. */
export const entryStatus = {
  stored: 0,
  duplicate: 1,
  conflict: 2,
  unknownTrail: 3,
  refusedWithGroup: 4,
} as const;

export interface AppendResult {
  readonly kind: 'appended';
  readonly batch: number;
  /** Index in the trail, for entries stored or seen before. */
  readonly indexes: Float64Array;
  /** 32 bytes an entry. */
  readonly leafHashes: Uint8Array;
  /** A value of {@link entryStatus} an entry. */
  readonly statuses: Uint8Array;
  /** New sizes of the trails that grew. */
  readonly sizes: readonly (readonly [trail: string, size: number])[];
}

export type LogReply =
  /** `lost`: what has a key or a line of the trust policy and is no trail of the log; see KeyStore.othersThan. */
  | {
      readonly kind: 'ready';
      readonly trails: readonly TrailStatus[];
      readonly lost: readonly string[];
    }
  | AppendResult
  | { readonly kind: 'appendFailed'; readonly batch: number; readonly failure: Failure }
  | { readonly kind: 'trailCreated'; readonly request: number; readonly trail: TrailStatus }
  | {
      readonly kind: 'published';
      readonly request?: number;
      readonly trail: string;
      readonly checkpoint: PublishedCheckpoint;
    }
  /** A checkpoint that was published has more signatures now. */
  | { readonly kind: 'cosigned'; readonly trail: string; readonly checkpoint: PublishedCheckpoint }
  /** `failure`: why the trail is not signed any more; without it the checkpoint proved nothing. */
  | { readonly kind: 'compared'; readonly request: number; readonly failure: Failure | undefined }
  | { readonly kind: 'requestFailed'; readonly request: number; readonly failure: Failure }
  | { readonly kind: 'publishFailed'; readonly failure: Failure }
  /** Told when it changes: why the last commit failed, or that one has succeeded again. */
  | { readonly kind: 'writable'; readonly failure: Failure | undefined }
  | { readonly kind: 'closed'; readonly request: number }
  /** The log must not be written any more: the process has to stop and say why. */
  | { readonly kind: 'fatal'; readonly failure: Failure };

/** An error in a form that crosses threads. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: readonly ErrorDetail[];
}

export interface PublishedCheckpoint {
  readonly size: number;
  /** The signed note. */
  readonly note: string;
}

export interface TrailStatus {
  readonly name: string;
  readonly origin: string;
  readonly vkey: string;
  readonly size: number;
  readonly checkpoint: PublishedCheckpoint | undefined;
}
