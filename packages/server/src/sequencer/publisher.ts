import {
  type Ed25519Verify,
  type NoteSignature,
  type NoteSigner,
  type NoteVerifier,
  SealtrailError,
  signCheckpoint,
  type TreeHasher,
} from '@sealtrail/core';
import type { KeyStore, LogStore, PublishedStore, TileReader, TrailRecord } from '../ports.ts';
import { CheckpointThinning } from './checkpoint-thinning.ts';
import { type Contradiction, contradictionOf } from './contradiction.ts';
import { Cosignatures, type Cosigned } from './cosignatures.ts';
import type { PublishedCheckpoint } from './protocol.ts';
import { recoverTrail } from './recover-trail.ts';
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
  /** Those who are asked for cosignatures; none unless given. */
  readonly witnesses?: readonly NoteVerifier[];
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
  readonly #cosignatures: Cosignatures = new Cosignatures();
  /** Trails that are not signed any more, and why. */
  readonly #stopped: Map<string, Contradiction> = new Map();
  /** Sizes of the checkpoints by which they are stopped on every later start too. */
  readonly #kept: Map<string, number> = new Map();

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
      const last = recoverTrail(trail, apart.get(trail.name), this.#parts);
      if (last) this.#last.set(trail.name, last);
      this.#signer(trail);
      if (this.#parts.reader.size(trail.name) > (last?.size ?? 0)) this.#dirty.add(trail.name);
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
    const due = [...this.#dirty].filter((name) => !this.#stopped.has(name));
    const signed = due.flatMap((name) => {
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

  /** Takes cosignatures, verified already, of a checkpoint of this trail; the next {@link storeCosignatures} stores them. */
  cosign(name: string, size: number, signatures: readonly NoteSignature[]): void {
    const trail = this.#parts.sequencer.trail(name);
    if (trail) this.#cosignatures.add(trail, size, signatures);
  }

  /** Stores what {@link cosign} took, in one durable step. @throws when nothing could be stored; all of it stays due */
  storeCosignatures(): Cosigned[] {
    const isLast = (name: string, size: number): boolean =>
      this.#last.get(name)?.size === size && !this.#stopped.has(name);
    const cosigned = this.#cosignatures.store(this.#parts, isLast);
    for (const { trail, checkpoint } of cosigned) {
      if (this.#last.get(trail)?.size === checkpoint.size) this.#last.set(trail, checkpoint);
      this.#thinning.cosigned(this.#parts.sequencer.trail(trail)!, checkpoint);
    }
    return cosigned;
  }

  /**
   * Holds a checkpoint that a witness shows against the log. One that this trail's key signed and the log does not have
   * ends the signing of the trail. Where the log is behind it, it is kept where published checkpoints are: it is one, and
   * no later start signs either.
   *
   * @returns why the trail is not signed any more; undefined when the note proves nothing
   * @throws when it could not be kept; the trail is not signed any more all the same, and the next call tries again
   */
  compare(name: string, note: string): SealtrailError | undefined {
    const trail = this.#parts.sequencer.trail(name);
    const found = trail && contradictionOf(trail, note, this.#parts);
    if (found === undefined) return undefined;
    const { size, error } = found;
    if (size > (this.#stopped.get(name)?.size ?? -1)) this.#stopped.set(name, found);
    if (error.code === 'log_behind_published' && size > (this.#kept.get(name) ?? -1)) {
      this.#parts.published.put([{ trail: name, size, note }]);
      this.#kept.set(name, size);
    }
    return error;
  }

  /** A checkpoint of all of a trail, or undefined when the last one is that: one size is signed once. */
  #sign(name: string): Signed | undefined {
    const { trail, size, root, receivedMs } = this.#parts.sequencer.head(name);
    if (this.#last.get(name)?.size === size) {
      this.#dirty.delete(name);
      return undefined;
    }
    const stopped = this.#stopped.get(name);
    if (stopped) throw stopped.error;
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
}
