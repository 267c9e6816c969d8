import {
  type Ed25519Verify,
  type Entry,
  equalBytes,
  type GetNode,
  type NoteVerifier,
  openCheckpoint,
  rootAt,
  type TreeHasher,
  verifierFromVkey,
} from '@sealtrail/core';
import type { LogStore, StoredCheckpointKey, TileReader, TrailRecord } from '../ports.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** All checkpoints of the last hour stay; of those before, the first of a minute; of those older than a day, of an hour. */
const tiers = [
  { afterMs: dayMs, everyMs: hourMs },
  { afterMs: hourMs, everyMs: minuteMs },
] as const;

/** Checkpoints looked at in one commit, beside two for each that it adds: more than come, so none pile up. */
const looksACommit = 64;
/** Of one tier of one trail. */
const looksATier = 16;

const text = new TextDecoder('utf-8');

export interface ThinningParts {
  readonly store: LogStore;
  readonly reader: TileReader;
  readonly hasher: TreeHasher;
  readonly native: Ed25519Verify;
}

/** A checkpoint about to be stored. */
export interface NewCheckpoint {
  readonly trail: TrailRecord;
  /** When the last entry under it was received, in milliseconds since 1970. */
  readonly receivedMs: number;
}

/** How far one tier of a trail is thinned. */
interface TierState {
  /** Checkpoints up to this size have been looked at. */
  size: number;
  /** The slot of the last of them: its first checkpoint stays. */
  slot: number;
  /** Everything received before this time is done. */
  doneMs: number;
}

interface TrailState {
  readonly trail: TrailRecord;
  readonly verifier: NoteVerifier;
  readonly tiers: readonly TierState[];
  /** The trail's time: that of its newest checkpoint. */
  receivedMs: number;
}

/**
 * Decides which stored checkpoints are worth their place no more: see docs/decisions/0005-thinning-checkpoints.md.
 *
 * The time of a checkpoint is when its last entry was received: the log itself tells it, the same after every restart,
 * and it never decreases in a trail. Old is what is old by the trail's newest checkpoint, so that one never is.
 *
 * What is dropped says nothing that the log does not say without it. A checkpoint that is not what would be signed today
 * stays, whatever is the matter with it: it may have been cosigned by a witness, or be evidence of a forgery.
 */
export class CheckpointThinning {
  readonly #parts: ThinningParts;
  /** Trails that have published since the start. The first time, each is gone through from its first checkpoint. */
  readonly #states: Map<string, TrailState> = new Map();
  /** Those with something to do, in the order in which it came up. */
  readonly #due: Set<TrailState> = new Set();

  constructor(parts: ThinningParts) {
    this.#parts = parts;
  }

  /** What to drop in the commit that adds these. A bounded number is looked at; the next commits go on from there. */
  next(added: readonly NewCheckpoint[]): StoredCheckpointKey[] {
    for (const checkpoint of added) this.#note(checkpoint);
    const dropped: StoredCheckpointKey[] = [];
    let looks = looksACommit + 2 * added.length;
    for (const state of this.#due) {
      if (looks <= 0) break;
      for (const tier of tiers.keys()) {
        looks -= this.#thin(state, tier, dropped);
        if (!isDone(state, tier)) break;
      }
      if (tiers.every((_, tier) => isDone(state, tier))) this.#due.delete(state);
    }
    return dropped;
  }

  /** Forgets how far it is, after a commit that may have failed: what is stored tells. */
  forget(): void {
    this.#states.clear();
    this.#due.clear();
  }

  #note({ trail, receivedMs }: NewCheckpoint): void {
    const state = this.#states.get(trail.name) ?? this.#begin(trail);
    state.receivedMs = receivedMs;
    if (tiers.some((_, tier) => !isDone(state, tier))) this.#due.add(state);
  }

  #begin(trail: TrailRecord): TrailState {
    const state: TrailState = {
      trail,
      verifier: verifierFromVkey(trail.vkey, { native: this.#parts.native }),
      tiers: tiers.map(() => ({ size: -1, slot: Number.NaN, doneMs: Number.NEGATIVE_INFINITY })),
      receivedMs: 0,
    };
    this.#states.set(trail.name, state);
    return state;
  }

  /** Goes on with one tier of a trail. @returns how many checkpoints it looked at */
  #thin(state: TrailState, tier: number, dropped: StoredCheckpointKey[]): number {
    if (isDone(state, tier)) return 0;
    const { trail } = state;
    const done = state.tiers[tier]!;
    // What is an hour apart is a minute apart as well: a tier begins where the one before it ends.
    done.size = Math.max(done.size, state.tiers[tier - 1]?.size ?? -1);
    const limitMs = limitOf(tier, state.receivedMs);
    const getNode = this.#nodesOf(trail);
    let looks = 0;
    for (const { size, note } of this.#parts.store.checkpointsAfter(trail.id, done.size, looksATier)) {
      const atMs = this.#receivedMs(trail, size);
      if (atMs >= limitMs) break;
      const slot = Math.floor(atMs / tiers[tier]!.everyMs);
      if (slot === done.slot && this.#isRepeated(state, size, note, getNode))
        dropped.push({ trailId: trail.id, size });
      done.size = size;
      done.slot = slot;
      looks++;
    }
    if (looks < looksATier) done.doneMs = limitMs;
    return looks;
  }

  /** Whether a checkpoint says, in the one signature of the trail's key, what the log says anyway. */
  #isRepeated({ trail, verifier }: TrailState, size: number, note: string, getNode: GetNode): boolean {
    try {
      const { checkpoint, unknown } = openCheckpoint(note, [verifier]);
      return (
        unknown.length === 0 &&
        checkpoint.origin === trail.origin &&
        checkpoint.size === size &&
        equalBytes(checkpoint.root, rootAt(size, getNode, this.#parts.hasher))
      );
    } catch {
      // It cannot be read, is signed otherwise, or the log lacks what it is about: for verification to report.
      return false;
    }
  }

  /** When the last entry under a checkpoint was received; not a number when the log cannot tell, which verification reports. */
  #receivedMs(trail: TrailRecord, size: number): number {
    if (size === 0) return 0;
    try {
      const [entry] = this.#parts.reader.entries(trail.name, size - 1, size);
      return Date.parse((JSON.parse(text.decode(entry!)) as Entry).receivedAt);
    } catch {
      return Number.NaN;
    }
  }

  /** Hashes of a trail's tree, each read once: checkpoints in a row share nearly all of them. */
  #nodesOf(trail: TrailRecord): GetNode {
    const known = new Map<string, Uint8Array>();
    return (level, index) => {
      const key = `${level}/${index}`;
      const node = known.get(key) ?? this.#parts.reader.node(trail.name, level, index);
      known.set(key, node);
      return node;
    };
  }
}

/** Whether there is nothing left to do for a tier at the trail's time. */
const isDone = (state: TrailState, tier: number): boolean =>
  limitOf(tier, state.receivedMs) <= state.tiers[tier]!.doneMs;

/** The time before which a tier thins: the start of a slot, so that a slot is done as a whole. */
function limitOf(tier: number, receivedMs: number): number {
  const { afterMs, everyMs } = tiers[tier]!;
  return Math.floor((receivedMs - afterMs) / everyMs) * everyMs;
}
