import {
  type Checkpoint,
  type Ed25519Verify,
  openCheckpoint,
  SealtrailError,
  verifierFromVkey,
} from '@sealtrail/core';
import type { TrailRecord } from '../ports.ts';

/** The checkpoint in a note; undefined where it is not of this trail, or its key has not signed it. */
export function ownCheckpoint(
  trail: TrailRecord,
  note: string,
  native: Ed25519Verify,
): Checkpoint | undefined {
  try {
    const { checkpoint } = openCheckpoint(note, [verifierFromVkey(trail.vkey, { native })]);
    return checkpoint.origin === trail.origin ? checkpoint : undefined;
  } catch (error) {
    if (error instanceof SealtrailError) return undefined;
    throw error;
  }
}
