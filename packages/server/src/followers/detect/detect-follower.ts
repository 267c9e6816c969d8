import { setTimeout as sleep } from 'node:timers/promises';
import { type CompiledRules, Detector, type SavedDetector } from '@sealtrail/core/sigma';
import type { DetectionStore, Snapshot, StoredFinding } from '../../detection-ports.ts';
import type { LogReader } from '../../ports.ts';
import type { LogListener } from '../../sequencer/log-client.ts';
import { inputOf } from './entry-views.ts';
import { findingOfEpisode, findingOfMatch } from './finding.ts';

export interface DetectFollowerParts {
  /** Tells which trails there are, and when they grow. */
  readonly log: {
    trails(): readonly { readonly name: string }[];
    listen(listener: LogListener): () => void;
  };
  readonly reader: LogReader;
  readonly store: DetectionStore;
  readonly rules: FollowedRules;
  /** How long events may be behind the latest one and still count in correlations. */
  readonly latenessMs: number;
  /** Told of findings, new or amended, in the transaction that keeps them. */
  readonly onCommit?: (findings: readonly StoredFinding[]) => void;
  /** Told of them once they are durable. */
  readonly onFindings?: (findings: readonly StoredFinding[]) => void;
  /** Told of what went wrong; the follower tries again by itself. */
  readonly onError: (error: unknown) => void;
  /** Entries between two snapshots of what correlations know; default 50,000. */
  readonly snapshotEvery?: number;
  /** Default one second. */
  readonly retryMs?: number;
}

/** Rules to follow with. */
export interface FollowedRules {
  readonly compiled: CompiledRules;
  /** By the keys of correlations: what their state belongs to. */
  readonly fingerprints: ReadonlyMap<string, string>;
}

/** How far a trail has been looked at. */
interface Following {
  readonly detector: Detector;
  /** Entries that the detector has taken. */
  taken: number;
  /** Entries up to which findings are kept. */
  committed: number;
  /** Entries at the last snapshot. */
  kept: number;
  /** Events since the start that came too late for correlations. */
  late: number;
}

/** How far detection in a trail is. */
export interface DetectionProgress {
  /** Entries looked at. */
  readonly entries: number;
  /** At or before this event time nothing can come that counts in a correlation; undefined before the first event. */
  readonly completeMs: number | undefined;
  readonly late: number;
}

/** Entries looked at together, and findings committed together. */
const entriesPerPass = 512;
/** Entries without a finding that are looked at before the cursor is committed for them alone. */
const entriesPerCommit = 8192;
const defaultSnapshotEvery = 50_000;
const defaultRetryMs = 1000;

/**
 * Follows every trail and holds its entries against the rules. Findings and cursor are committed together. What
 * correlations know is kept now and then only, since the log tells it again: after a stop the entries from the last
 * snapshot up to the cursor are taken once more, without their findings, which are there. So nothing is found twice, or
 * not at all, wherever it stops.
 */
export class DetectFollower implements AsyncDisposable {
  readonly #parts: DetectFollowerParts;
  readonly #behind: Set<string> = new Set();
  readonly #trails: Map<string, Following> = new Map();
  readonly #unlisten: () => void;
  readonly #closing = new AbortController();
  readonly #totals: { entries: number; late: number } = { entries: 0, late: 0 };
  #rules: FollowedRules;
  #running: Promise<void> | undefined;

  constructor(parts: DetectFollowerParts) {
    this.#parts = parts;
    this.#rules = parts.rules;
    this.#unlisten = parts.log.listen({ grew: (sizes) => this.#grew(sizes.map(([trail]) => trail)) });
    this.#grew(parts.log.trails().map(({ name }) => name));
  }

  /** How far detection in a trail is complete. */
  progress(trail: string): DetectionProgress {
    const following = this.#trails.get(trail);
    const watermarkMs = following?.detector.watermarkMs;
    return {
      entries: following?.taken ?? this.#parts.store.cursor(trail),
      completeMs: watermarkMs !== undefined && Number.isFinite(watermarkMs) ? watermarkMs : undefined,
      late: following?.late ?? 0,
    };
  }

  /**
   * Goes on with other rules. Correlations that are the same go on from where they are; others begin with the next entry.
   *
   * @throws what keeps the state from being kept: then the rules are those from before
   */
  reload(rules: FollowedRules): void {
    for (const [trail, following] of this.#trails) this.#keep(trail, following);
    this.#rules = rules;
    this.#trails.clear();
    this.#grew(this.#parts.log.trails().map(({ name }) => name));
  }

  /** Over all trails, since the start: entries looked at, and events that came too late for correlations. */
  get totals(): { readonly entries: number; readonly late: number } {
    return this.#totals;
  }

  /** Ends with what has been looked at kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#unlisten();
    await this.#running;
    for (const [trail, following] of this.#trails) this.#keep(trail, following);
  }

  #grew(trails: readonly string[]): void {
    for (const trail of trails) this.#behind.add(trail);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    // Whoever tells of growth goes on first.
    await this.#rest(0);
    for (let trail = this.#next(); trail !== undefined; trail = this.#next()) {
      this.#behind.delete(trail);
      try {
        // Behind the others, so that a busy trail does not keep them waiting.
        if (!this.#pass(trail)) this.#behind.add(trail);
        await this.#rest(0);
      } catch (error) {
        // A full disk, say. What the detector has taken is not kept: it begins again where that was.
        this.#trails.delete(trail);
        this.#behind.add(trail);
        this.#parts.onError(error);
        await this.#rest(this.#parts.retryMs ?? defaultRetryMs);
      }
    }
  }

  #next(): string | undefined {
    return this.#closing.signal.aborted ? undefined : this.#behind.values().next().value;
  }

  /** One piece of one trail; true when there is no more. */
  #pass(trail: string): boolean {
    const { reader, store, onCommit, onFindings, snapshotEvery = defaultSnapshotEvery } = this.#parts;
    const following = this.#following(trail);
    const size = reader.size(trail);
    const from = following.taken;
    const to = Math.min(size, from + entriesPerPass);
    const { matches, episodes, late } = following.detector.take(this.#inputs(trail, from, to));
    following.taken = to;
    following.late += late;
    this.#totals.late += late;
    this.#totals.entries += to - from;
    const findings = [
      ...matches.map((match) => findingOfMatch(trail, match)),
      ...episodes.map((episode) => findingOfEpisode(trail, episode)),
    ];
    if (findings.length > 0 || to - following.committed >= entriesPerCommit) {
      store.commit(trail, to, findings, () => onCommit?.(findings));
      following.committed = to;
      if (findings.length > 0) onFindings?.(findings);
    }
    if (to - following.kept >= snapshotEvery) this.#keep(trail, following);
    return to >= size;
  }

  /** Where it stopped: the state as of the last snapshot, and what came after it up to the cursor taken again. */
  #following(trail: string): Following {
    let following = this.#trails.get(trail);
    if (following === undefined) {
      const { store, latenessMs } = this.#parts;
      const { compiled, fingerprints } = this.#rules;
      const detector = new Detector(compiled, { latenessMs });
      const snapshot = store.snapshot(trail);
      if (snapshot !== undefined) detector.load(stateFor(snapshot, fingerprints));
      const entries = snapshot?.entries ?? 0;
      following = { detector, taken: entries, committed: store.cursor(trail), kept: entries, late: 0 };
      while (following.taken < following.committed) {
        const to = Math.min(following.committed, following.taken + entriesPerPass);
        following.detector.take(this.#inputs(trail, following.taken, to));
        following.taken = to;
      }
      this.#trails.set(trail, following);
    }
    return following;
  }

  #keep(trail: string, following: Following): void {
    const { store } = this.#parts;
    if (following.taken === following.kept) return;
    if (following.taken > following.committed) {
      store.commit(trail, following.taken, []);
      following.committed = following.taken;
    }
    store.keep(trail, following.taken, following.detector.takeChanges(), this.#rules.fingerprints);
    following.kept = following.taken;
  }

  #inputs(trail: string, from: number, to: number): ReturnType<typeof inputOf>[] {
    return this.#parts.reader.entries(trail, from, to).map((bytes, i) => inputOf(bytes, from + i));
  }

  async #rest(ms: number): Promise<void> {
    // An abort ends the rest early, and the loop with it.
    await sleep(ms, undefined, { signal: this.#closing.signal }).catch(() => {});
  }
}

/** What was kept of correlations that are still the same. */
function stateFor(
  { state, fingerprints: kept }: Snapshot,
  fingerprints: ReadonlyMap<string, string>,
): SavedDetector {
  const same = [...state.correlators].filter(([key]) => kept.get(key) === fingerprints.get(key));
  return { ...state, correlators: new Map(same) };
}
