import {
  type Checkpoint,
  type Ed25519Verify,
  equalBytes,
  type GetNode,
  type NoteSigner,
  openCheckpoint,
  rootAt,
  SealtrailError,
  signCheckpoint,
  type TreeHasher,
  verifierFromVkey,
} from '@sealtrail/core';
import type { KeyStore, LogStore, PublishedStore, TileReader, TrailRecord } from '../ports.ts';
import { CheckpointThinning } from './checkpoint-thinning.ts';
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
  readonly native: Ed25519Verify;
}

/** What one round of publishing came to. */
export interface PublishRound {
  readonly published: readonly { readonly trail: string; readonly checkpoint: PublishedCheckpoint }[];
  /** Trails that could not be signed; they stay due. */
  readonly failures: readonly unknown[];
}

/** A checkpoint on its way: signed, seen by nobody. */
interface Signed extends PublishedCheckpoint {
  readonly trail: TrailRecord;
  /** When the last entry under it was received. */
  readonly receivedMs: number;
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
  readonly #thinning: CheckpointThinning;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    this.#thinning = new CheckpointThinning(parts);
  }

  /** Last published checkpoint of a trail. */
  last(trail: string): PublishedCheckpoint | undefined {
    return this.#last.get(trail);
  }

  /**
   * Compares the log with what was published from it. Call it before anything is written. It reads the hashes that the
   * next checkpoint will be built on, a few a trail; that every stored byte fits them is for verification to say.
   *
   * @throws SealtrailError log_behind_published | log_forked | key_missing | data_folder_invalid: this log must not be signed any more
   */
  recover(): void {
    const { sequencer, published } = this.#parts;
    const apart = new Map(published.all().map((row) => [row.trail, row]));
    for (const trail of sequencer.trails()) {
      this.#recoverTrail(trail, apart.get(trail.name));
      apart.delete(trail.name);
    }
    const [lost] = apart.values();
    if (lost) {
      throw new SealtrailError(
        'log_behind_published',
        `the log has no trail ${lost.trail}, but a checkpoint of ${lost.size} entries of it was published: log.db has been set back or removed. Restore the newer log; it will not be signed as it is`,
      );
    }
  }

  /** Notes that a trail has grown, or may have. */
  grew(trail: string): void {
    this.#dirty.add(trail);
  }

  /**
   * Publishes a checkpoint of every trail that has grown, in one durable step for all of them. A trail that cannot be
   * signed does not hold up the others.
   *
   * @throws when nothing could be stored; all trails stay due
   */
  publishAll(): PublishRound {
    const failures: unknown[] = [];
    const signed = [...this.#dirty].flatMap((name) => {
      try {
        return this.#sign(name) ?? [];
      } catch (error) {
        failures.push(error);
        return [];
      }
    });
    this.#store(signed);
    const published = signed.map(({ trail: { name } }) => ({
      trail: name,
      checkpoint: this.#last.get(name)!,
    }));
    return { published, failures };
  }

  /** Publishes a checkpoint of one trail, unless the last one covers all of it. */
  publish(trail: string): PublishedCheckpoint {
    if (!this.#last.has(trail) || this.#dirty.has(trail)) {
      const signed = this.#sign(trail);
      if (signed) this.#store([signed]);
    }
    return this.#last.get(trail)!;
  }

  /** A checkpoint of all of a trail, or undefined when the last one is that: one size is signed once. */
  #sign(name: string): Signed | undefined {
    const { trail, size, root, receivedMs } = this.#parts.sequencer.head(name);
    if (this.#last.get(name)?.size === size) {
      this.#dirty.delete(name);
      return undefined;
    }
    const note = signCheckpoint({ origin: trail.origin, size, root }, [this.#signer(trail)]);
    return { trail, size, note, receivedMs };
  }

  #store(signed: readonly Signed[]): void {
    if (signed.length === 0) return;
    const { published, store } = this.#parts;
    const dropped = this.#thinning.next(signed);
    try {
      published.put(signed.map(({ trail: { name }, size, note }) => ({ trail: name, size, note })));
      store.addCheckpoints(
        signed.map(({ trail: { id }, size, note }) => ({ trailId: id, size, note })),
        dropped,
      );
    } catch (error) {
      this.#thinning.forget();
      throw error;
    }
    for (const { trail, size, note } of signed) {
      this.#last.set(trail.name, { size, note });
      this.#dirty.delete(trail.name);
    }
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

  /** Nobody's word but this trail's own: what is published on from here has to be what it signed. */
  #openPublished(trail: TrailRecord, apart: PublishedCheckpoint): Checkpoint {
    try {
      const { native } = this.#parts;
      const { checkpoint } = openCheckpoint(apart.note, [verifierFromVkey(trail.vkey, { native })]);
      if (checkpoint.origin === trail.origin && checkpoint.size === apart.size) return checkpoint;
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
    }
    throw new SealtrailError(
      'data_folder_invalid',
      `the published checkpoint of trail ${trail.name} is not one that this trail signed: published.db was changed, or damaged. Restore it from a backup; nothing is signed until then`,
    );
  }

  #recoverTrail(trail: TrailRecord, apart: PublishedCheckpoint | undefined): void {
    const { store, reader, hasher } = this.#parts;
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
      const { root } = this.#openPublished(trail, apart);
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
      this.#last.set(trail.name, { size: apart.size, note: apart.note });
    }
    this.#signer(trail);
    if (size > (apart?.size ?? 0)) this.#dirty.add(trail.name);
  }
}
