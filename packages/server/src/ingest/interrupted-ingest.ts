import { type ErrorDetail, type Receipt, SealtrailError } from '@sealtrail/core';

/** How far a request had come. */
export interface IngestProgress {
  /** Receipts of what is stored, in the order of the request. */
  readonly receipts: readonly Receipt[];
  /** Events refused. */
  readonly errors: readonly ErrorDetail[];
  /** So many events, from the first on, have a receipt or an error; nothing is decided about the others. */
  readonly decided: number;
}

/**
 * A request that takes what is good has failed midway: why, and what had become of its events. They stay stored, and
 * whoever sends them again without their ids doubles them, so the answer has to say which they are.
 */
export class InterruptedIngest extends SealtrailError {
  readonly receipts: readonly Receipt[];
  readonly decided: number;

  constructor(cause: SealtrailError, { receipts, errors, decided }: IngestProgress) {
    super(cause.code, cause.message, {
      cause: cause.cause ?? cause,
      details: [...errors, ...cause.details],
      ...(cause.retryAfterSeconds !== undefined && { retryAfterSeconds: cause.retryAfterSeconds }),
    });
    this.receipts = receipts;
    this.decided = decided;
  }
}
