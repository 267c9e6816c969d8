import type { ErrorCode } from '@sealtrail/core';

/** A part of an input that is one record, or something that should be one. */
export interface Piece {
  /** Where it begins in the input, in bytes, after decompression. */
  readonly offset: number;
  /** Number of the line, from 1, blank ones counted; only where the input is lines. */
  readonly line?: number;
  readonly bytes: Buffer;
  /** Why it cannot be read; the bytes are then its beginning. */
  readonly fault?: { readonly code: ErrorCode; readonly reason: string };
}

/** Cuts an input that arrives in chunks into pieces. */
export interface Splitter {
  /** The pieces that a chunk completes. */
  push(chunk: Buffer): readonly Piece[];
  /** What is left once there is no more. */
  end(): readonly Piece[];
}

/** Of what cannot be read so much is shown. */
export const shownBytes: number = 16 * 1024;
