import {
  type Ed25519Verify,
  type Entry,
  type GetNode,
  type NoteVerifier,
  parseNote,
  type StoredCheckpoint,
  type TreeHasher,
  verifierFromVkey,
} from '@sealtrail/core';
import type { LogStore, StoredCheckpointKey, TileReader, TrailRecord } from '../ports.ts';
import { type Cosigners, cosignersOf, isWithin } from './cosigners.ts';

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
  /** Those who are asked for cosignatures; none unless given. */
  readonly witnesses?: readonly NoteVerifier[];
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
  /** Who cosigned those of the slot that stay, where anybody did. */
  kept: Cosigners[];
}

interface TrailState {
  readonly trail: TrailRecord;
  readonly verifier: NoteVerifier;
  readonly tiers: readonly TierState[];
  /** The trail's time: that of its newest checkpoint. */
  receivedMs: number;
  /** The newest checkpoint that just these have cosigned, since the start. */
  readonly cosigned: { readonly cosigners: Cosigners; size: number }[];
}

/**
 * Decides which stored checkpoints are worth their place no more: see docs/decisions/0005-thinning-checkpoints.md.
 *
 * The time of a checkpoint is when its last entry was received: the log itself tells it, the same after every restart,
 * and it never decreases in a trail. Old is what is old by the trail's newest checkpoint, so that one never is.
 *
 * What is dropped says nothing that the log, and the cosigned checkpoints that stay, do not say without it. A checkpoint
 * that is not what would be signed today stays, whatever is the matter with it: it may be evidence of a forgery.
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

  /** Notes that a stored checkpoint has been cosigned: it stands for older ones with no other cosignatures. */
  cosigned(trail: TrailRecord, { size, note }: StoredCheckpoint): void {
    const state = this.#states.get(trail.name) ?? this.#begin(trail);
    const cosigners = this.#cosigners(state, size, note, this.#nodesOf(trail));
    if (cosigners === undefined) return;
    const known = state.cosigned.find((newest) => isEqual(newest.cosigners, cosigners));
    if (known) known.size = Math.max(known.size, size);
    else state.cosigned.push({ cosigners, size });
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
      tiers: tiers.map(() => ({ size: -1, slot: Number.NaN, doneMs: Number.NEGATIVE_INFINITY, kept: [] })),
      receivedMs: 0,
      cosigned: [],
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
      const isFirst = slot !== done.slot;
      if (isFirst) done.kept = [];
      // The first of a slot stays whatever it is; of most there is nothing to know but that.
      const cosigners =
        isFirst && !isCosigned(note) ? undefined : this.#cosigners(state, size, note, getNode);
      if (!isFirst && cosigners !== undefined && isRepeated(state, done, size, cosigners))
        dropped.push({ trailId: trail.id, size });
      else if (cosigners !== undefined && cosigners.size > 0) done.kept.push(cosigners);
      done.size = size;
      done.slot = slot;
      looks++;
    }
    if (looks < looksATier) done.doneMs = limitMs;
    return looks;
  }

  #cosigners(
    { trail, verifier }: TrailState,
    size: number,
    note: string,
    getNode: GetNode,
  ): Cosigners | undefined {
    const { hasher, witnesses = [] } = this.#parts;
    return cosignersOf({ size, note }, { origin: trail.origin, verifier, witnesses, getNode, hasher });
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

/**
 * Whether a checkpoint that says what the log says is of no further use. One that was cosigned needs two that its witnesses
 * cosigned too: one that stays in its slot, for when they did, and a newer one, for how far. Otherwise a witness that ended
 * would lose its last word.
 */
function isRepeated(
  { cosigned }: TrailState,
  { kept }: TierState,
  size: number,
  cosigners: Cosigners,
): boolean {
  if (cosigners.size === 0) return true;
  return (
    kept.some((other) => isWithin(cosigners, other)) &&
    cosigned.some((newest) => newest.size > size && isWithin(cosigners, newest.cosigners))
  );
}

/** Whether a note has more than one signature; of what is no note, that is for others to see. */
function isCosigned(note: string): boolean {
  try {
    return parseNote(note).signatures.length > 1;
  } catch {
    return false;
  }
}

const isEqual = (a: Cosigners, b: Cosigners): boolean => a.size === b.size && isWithin(a, b);

/** Whether there is nothing left to do for a tier at the trail's time. */
const isDone = (state: TrailState, tier: number): boolean =>
  limitOf(tier, state.receivedMs) <= state.tiers[tier]!.doneMs;

/** The time before which a tier thins: the start of a slot, so that a slot is done as a whole. */
function limitOf(tier: number, receivedMs: number): number {
  const { afterMs, everyMs } = tiers[tier]!;
  return Math.floor((receivedMs - afterMs) / everyMs) * everyMs;
}
