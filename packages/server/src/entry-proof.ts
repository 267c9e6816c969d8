import {
  createTreeHasher,
  formatProofFile,
  proveInclusion,
  SealtrailError,
  uuidBytes,
} from '@sealtrail/core';
import type { ShownCheckpoints } from './followers/witness/witnessed-checkpoints.ts';
import type { TileReader } from './ports.ts';
import type { LogClient } from './sequencer/log-client.ts';

/** An entry and its place. */
export interface FoundEntry {
  readonly trail: string;
  readonly index: number;
  /** Canonical bytes. */
  readonly bytes: Uint8Array;
}

/**
 * The entry of an event.
 *
 * @param id a UUID in any case
 * @throws SealtrailError event_not_found | trail_not_found
 */
export function findEntry(reader: TileReader, trail: string, id: string): FoundEntry {
  const index = reader.indexOf(trail, uuidBytes(id));
  const bytes = index === undefined ? undefined : reader.entries(trail, index, index + 1)[0];
  if (index === undefined || !bytes) throw new SealtrailError('event_not_found');
  return { trail, index, bytes };
}

/** A C2SP tlog-proof of an entry, under a witnessed checkpoint that covers it, the last one, or a new one. */
export async function proveEntry(
  {
    log,
    reader,
    checkpoints,
  }: { readonly log: LogClient; readonly reader: TileReader; readonly checkpoints: ShownCheckpoints },
  { trail, index }: FoundEntry,
): Promise<string> {
  const { size, note } = checkpoints.covering(trail, index) ?? (await log.publish(trail));
  const hashes = proveInclusion(index, size, (level, n) => reader.node(trail, level, n), createTreeHasher());
  return formatProofFile({ index, hashes, checkpoint: note });
}
