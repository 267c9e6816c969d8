import {
  equalBytes,
  type NoteSigner,
  parseCheckpoint,
  parseNote,
  rootAt,
  SealtrailError,
  signCheckpoint,
  type TreeHasher,
} from '@sealtrail/core';
import type { KeyStore, LogStore, PublishedStore, TileReader, TrailRecord } from '../ports.ts';
import type { PublishedCheckpoint } from './protocol.ts';
import type { Sequencer } from './sequencer.ts';

/** What a publisher works with. */
export interface PublisherParts {
  readonly sequencer: Sequencer;
  readonly store: LogStore;
  readonly reader: TileReader;
  readonly published: PublishedStore;
  readonly keys: KeyStore;
  readonly hasher: TreeHasher;
  readonly createSigner: (skey: string) => NoteSigner;
}

/**
 * Signs checkpoints. Order matters: a checkpoint is made durable apart from the log before anybody sees it, so that this
 * log can never come back older than what it has told the world.
 */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #signers: Map<string, NoteSigner> = new Map();
  readonly #last: Map<string, PublishedCheckpoint> = new Map();
  readonly #dirty: Set<string> = new Set();

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  /** Last published checkpoint of a trail. */
  last(trail: string): PublishedCheckpoint | undefined {
    return this.#last.get(trail);
  }

  /**
   * Compares the log with what was published from it. Call it before anything is written.
   *
   * @throws SealtrailError log_behind_published | log_forked | key_missing: this log must not be signed any more
   */
  recover(): void {
    for (const trail of this.#parts.sequencer.trails()) this.#recoverTrail(trail);
  }

  /** Notes that a trail has grown. */
  grew(trail: string): void {
    this.#dirty.add(trail);
  }

  /** Publishes a checkpoint of every trail that has grown, in one durable step for all of them. */
  publishAll(): { readonly trail: string; readonly checkpoint: PublishedCheckpoint }[] {
    return this.#publish([...this.#dirty]);
  }

  /** Publishes a checkpoint of one trail, unless the last one covers all of it. */
  publish(trail: string): PublishedCheckpoint {
    const last = this.#last.get(trail);
    if (last && !this.#dirty.has(trail)) return last;
    return this.#publish([trail])[0]!.checkpoint;
  }

  #publish(names: readonly string[]): { readonly trail: string; readonly checkpoint: PublishedCheckpoint }[] {
    if (names.length === 0) return [];
    const signed = names.map((name) => {
      const { trail, size, root } = this.#parts.sequencer.head(name);
      return {
        trailId: trail.id,
        trail: name,
        size,
        note: signCheckpoint({ origin: trail.origin, size, root }, [this.#signer(trail)]),
      };
    });
    this.#parts.published.put(signed);
    this.#parts.store.addCheckpoints(
      signed.filter(({ trail, size }) => this.#last.get(trail)?.size !== size),
    );
    return signed.map(({ trail, size, note }) => {
      const checkpoint = { size, note };
      this.#last.set(trail, checkpoint);
      this.#dirty.delete(trail);
      return { trail, checkpoint };
    });
  }

  #signer(trail: TrailRecord): NoteSigner {
    const known = this.#signers.get(trail.name);
    if (known) return known;
    const skey = this.#parts.keys.read(trail.name);
    if (skey === undefined)
      throw new SealtrailError(
        'key_missing',
        `expected the signing key of trail ${trail.name} in the keys folder`,
      );
    const signer = this.#parts.createSigner(skey);
    if (signer.vkey !== trail.vkey) {
      throw new SealtrailError(
        'key_missing',
        `the signing key of trail ${trail.name} is not the one that the trail was made with`,
      );
    }
    this.#signers.set(trail.name, signer);
    return signer;
  }

  #recoverTrail(trail: TrailRecord): void {
    const { store, published, reader, hasher } = this.#parts;
    const inLog = store.lastCheckpoint(trail.id);
    const apart = published.get(trail.name);
    const size = reader.size(trail.name);
    if (!apart && inLog) {
      throw new SealtrailError(
        'log_behind_published',
        `the record of the last published checkpoint of trail ${trail.name} is missing (published.db), though the log has published one of size ${inLog.size}; restore it, or start a new data folder`,
      );
    }
    if (apart) {
      if (apart.size > size) {
        throw new SealtrailError(
          'log_behind_published',
          `trail ${trail.name} has ${size} entries, but a checkpoint of ${apart.size} entries was published: the log has been set back. Restore the newer log; it will not be signed as it is`,
        );
      }
      const { root } = parseCheckpoint(parseNote(apart.note).text);
      if (
        !equalBytes(
          root,
          rootAt(apart.size, (level, index) => reader.node(trail.name, level, index), hasher),
        )
      ) {
        throw new SealtrailError(
          'log_forked',
          `trail ${trail.name} contradicts its published checkpoint of size ${apart.size}: entries have been changed. Run sealtrail verify; it will not be signed as it is`,
        );
      }
      // Published, then stopped before the log's own history had it.
      if (apart.size > (inLog?.size ?? -1))
        store.addCheckpoints([{ trailId: trail.id, size: apart.size, note: apart.note }]);
      this.#last.set(trail.name, apart);
    }
    if (size > (apart?.size ?? 0)) this.#dirty.add(trail.name);
  }
}
