import { addSignatures, type NoteSignature } from '@sealtrail/core';
import type { LogStore, PublishedStore, TrailRecord } from '../ports.ts';
import type { PublishedCheckpoint } from './protocol.ts';

/** Cosignatures of one checkpoint. */
interface Waiting {
  readonly trail: TrailRecord;
  readonly size: number;
  readonly signatures: NoteSignature[];
}

/** A checkpoint that has more signatures than before. */
export interface Cosigned {
  readonly trail: string;
  readonly checkpoint: PublishedCheckpoint;
}

/**
 * Cosignatures on their way to the checkpoints that they are of. They wait for each other, so that those of all witnesses
 * and trails are one commit a tick; a failed commit leaves them waiting.
 */
export class Cosignatures {
  /** By trail and size; a trail has one or two at most, since a witness is asked about one checkpoint at a time. */
  readonly #waiting: Map<string, Waiting> = new Map();

  /** @param signatures verified already */
  add(trail: TrailRecord, size: number, signatures: readonly NoteSignature[]): void {
    const key = `${trail.name} ${size}`;
    const waiting = this.#waiting.get(key) ?? { trail, size, signatures: [] };
    waiting.signatures.push(...signatures);
    this.#waiting.set(key, waiting);
  }

  /**
   * Stores what waits: apart first, as with every checkpoint, where it is of the last one.
   *
   * @param isLast whether a trail's checkpoint of this size is the one that published.db has
   * @throws when it could not be stored; all of it stays waiting
   */
  store(
    { store, published }: { readonly store: LogStore; readonly published: PublishedStore },
    isLast: (trail: string, size: number) => boolean,
  ): Cosigned[] {
    const cosigned = [...this.#waiting.values()].flatMap(({ trail, size, signatures }) => {
      // A checkpoint that is not stored any more was thinned: a newer one has taken its place long ago.
      const stored = store.checkpoint(trail.id, size);
      const note = stored && addSignatures(stored.note, signatures);
      return note === undefined || note === stored?.note ? [] : [{ trail, size, note }];
    });
    if (cosigned.length > 0) {
      const last = cosigned.filter(({ trail: { name }, size }) => isLast(name, size));
      if (last.length > 0)
        published.put(last.map(({ trail: { name }, size, note }) => ({ trail: name, size, note })));
      store.cosignCheckpoints(cosigned.map(({ trail: { id }, size, note }) => ({ trailId: id, size, note })));
    }
    this.#waiting.clear();
    return cosigned.map(({ trail: { name }, size, note }) => ({ trail: name, checkpoint: { size, note } }));
  }
}
