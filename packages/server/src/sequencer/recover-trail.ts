import {
  type Checkpoint,
  type Ed25519Verify,
  equalBytes,
  type GetNode,
  rootAt,
  SealtrailError,
  type TreeHasher,
} from '@sealtrail/core';
import type { LogStore, TileReader, TrailRecord } from '../ports.ts';
import { ownCheckpoint } from './own-checkpoint.ts';
import type { PublishedCheckpoint } from './protocol.ts';

/** What recovery reads and mends. */
export interface RecoveryParts {
  readonly store: LogStore;
  readonly reader: TileReader;
  readonly hasher: TreeHasher;
  readonly native: Ed25519Verify;
}

/**
 * Holds a trail against the checkpoint that was last published of it, kept apart from the log. What the log's own history
 * lacks of it is added.
 *
 * @returns the last published checkpoint
 * @throws SealtrailError log_behind_published | log_forked | data_folder_invalid
 */
export function recoverTrail(
  trail: TrailRecord,
  apart: PublishedCheckpoint | undefined,
  parts: RecoveryParts,
): PublishedCheckpoint | undefined {
  const { store, reader, hasher } = parts;
  const inLog = store.lastCheckpoint(trail.id);
  const size = reader.size(trail.name);
  // What the log has in its history was stored apart before.
  if (inLog && (!apart || apart.size < inLog.size)) {
    throw new SealtrailError(
      'log_behind_published',
      `the record of the last published checkpoint of trail ${trail.name} is missing or old (published.db), though the log has published one of size ${inLog.size}; restore it, or start a new data folder`,
    );
  }
  if (apart) {
    if (apart.size > size) {
      throw new SealtrailError(
        'log_behind_published',
        `trail ${trail.name} has ${size} entries, but a checkpoint of ${apart.size} entries was published: the log has been set back. Restore the newer log; it will not be signed as it is`,
      );
    }
    const { root } = openPublished(trail, apart, parts);
    const getNode: GetNode = (level, index) => reader.node(trail.name, level, index);
    if (!equalBytes(root, rootAt(apart.size, getNode, hasher))) {
      throw new SealtrailError(
        'log_forked',
        `trail ${trail.name} contradicts its published checkpoint of size ${apart.size}: entries have been changed. Run sealtrail verify; it will not be signed as it is`,
      );
    }
    // Published, then stopped before the log's own history had it.
    if (apart.size > (inLog?.size ?? -1))
      store.addCheckpoints([{ trailId: trail.id, size: apart.size, note: apart.note }]);
    // Cosigned, then stopped before the log had that.
    else if (inLog && apart.note !== inLog.note && apart.note.startsWith(inLog.note))
      store.cosignCheckpoints([{ trailId: trail.id, size: apart.size, note: apart.note }]);
  }
  return apart && { size: apart.size, note: apart.note };
}

/** Nobody's word but this trail's own: what is published on from here has to be what it signed. */
function openPublished(
  trail: TrailRecord,
  apart: PublishedCheckpoint,
  { native }: RecoveryParts,
): Checkpoint {
  const checkpoint = ownCheckpoint(trail, apart.note, native);
  if (checkpoint?.size === apart.size) return checkpoint;
  throw new SealtrailError(
    'data_folder_invalid',
    `the published checkpoint of trail ${trail.name} is not one that this trail signed: published.db was changed, or damaged. Restore it from a backup; nothing is signed until then`,
  );
}
