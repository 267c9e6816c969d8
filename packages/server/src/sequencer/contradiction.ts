import { type Ed25519Verify, equalBytes, rootAt, SealtrailError, type TreeHasher } from '@sealtrail/core';
import type { TileReader, TrailRecord } from '../ports.ts';
import { ownCheckpoint } from './own-checkpoint.ts';

/** A checkpoint that the world has of a trail, and what the trail's log says of it. */
export interface Contradiction {
  readonly size: number;
  readonly error: SealtrailError;
}

/**
 * Holds a checkpoint that somebody else has against the log. It counts only if the trail's own key signed it: whoever
 * shows one can then not have made it up.
 *
 * @returns undefined when it proves nothing against the log
 */
export function contradictionOf(
  trail: TrailRecord,
  note: string,
  { reader, hasher, native }: { reader: TileReader; hasher: TreeHasher; native: Ed25519Verify },
): Contradiction | undefined {
  const checkpoint = ownCheckpoint(trail, note, native);
  if (checkpoint === undefined) return undefined;
  const { size, root } = checkpoint;
  const entries = reader.size(trail.name);
  if (size > entries)
    return {
      size,
      error: new SealtrailError(
        'log_behind_published',
        `trail ${trail.name} has ${entries} entries, but a witness has a checkpoint of ${size} entries that its key signed: the log has been set back. Restore the newer log; it will not be signed as it is`,
      ),
    };
  if (
    equalBytes(
      root,
      rootAt(size, (level, index) => reader.node(trail.name, level, index), hasher),
    )
  )
    return undefined;
  return {
    size,
    error: new SealtrailError(
      'log_forked',
      `trail ${trail.name} contradicts a checkpoint of size ${size} that a witness has and its key signed: entries have been changed. Run sealtrail verify; it will not be signed as it is`,
    ),
  };
}
