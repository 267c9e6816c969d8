import { addSignatures, type NoteSignature } from '@sealtrail/core';
import type { LogStore, PublishedStore, TrailRecord } from '../ports.ts';
import type { PublishedCheckpoint } from './protocol.ts';

/** Cosignatures of one checkpoint. */
interface Waiting {
  readonly trail: TrailRecord;
  readonly size: number;
  readonly signatures: NoteSignature[];
}

/** A checkpoint whose cosignatures are stored. */
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
   * @returns every checkpoint that something waited for
   * @throws when it could not be stored; all of it stays waiting
   */
  store(
    { store, published }: { readonly store: LogStore; readonly published: PublishedStore },
    isLast: (trail: string, size: number) => boolean,
  ): Cosigned[] {
    const cosigned = [...this.#waiting.values()].flatMap(({ trail, size, signatures }) => {
      // A checkpoint that is not stored any more was thinned: a newer one has taken its place long ago.
      const stored = store.checkpoint(trail.id, size);
      if (stored === undefined) return [];
      const note = addSignatures(stored.note, signatures);
      // A commit that failed may have been stored all the same; and a witness may sign again what it has signed before.
      return [{ trail, size, note, isNew: note !== stored.note }];
    });
    const added = cosigned.filter(({ isNew }) => isNew);
    const last = added.filter(({ trail: { name }, size }) => isLast(name, size));
    if (last.length > 0)
      published.put(last.map(({ trail: { name }, size, note }) => ({ trail: name, size, note })));
    if (added.length > 0)
      store.cosignCheckpoints(added.map(({ trail: { id }, size, note }) => ({ trailId: id, size, note })));
    this.#waiting.clear();
    return cosigned.map(({ trail: { name }, size, note }) => ({ trail: name, checkpoint: { size, note } }));
  }
}
