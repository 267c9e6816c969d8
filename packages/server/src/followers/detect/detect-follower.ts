import { setTimeout as sleep } from 'node:timers/promises';
import type { DetectorOptions, GroupStore } from '@sealtrail/core/sigma';
import type { DetectionStore, StoredFinding } from '../../detection-ports.ts';
import type { LogReader } from '../../ports.ts';
import type { LogListener } from '../../sequencer/log-client.ts';
import { type DetectionProgress, type FollowedRules, TrailDetection } from './trail-detection.ts';

export interface DetectFollowerParts {
  /** Tells which trails there are, and when they grow. */
  readonly log: {
    trails(): readonly { readonly name: string; readonly size: number }[];
    listen(listener: LogListener): () => void;
  };
  readonly reader: LogReader;
  readonly store: DetectionStore;
  readonly rules: FollowedRules;
  /** How long events may be behind the latest one and still count in correlations. */
  readonly latenessMs: number;
  readonly locate?: DetectorOptions['locate'];
  /** Where a trail's groups go that are too many for memory; absent: none are too many. */
  readonly spillOf?: ((trail: string) => GroupStore) | undefined;
  /** Told of findings, new or amended, in the transaction that keeps them. */
  readonly onCommit?: (findings: readonly StoredFinding[]) => void;
  /** Told of them once they are durable. */
  readonly onFindings?: (findings: readonly StoredFinding[]) => void;
  /** Told of what went wrong; the follower tries again by itself. */
  readonly onError: (error: unknown) => void;
  readonly now?: () => number;
  /** Entries between two snapshots of what correlations know; default 200,000. */
  readonly snapshotEvery?: number;
  /** Default one second. */
  readonly retryMs?: number;
}

const defaultSnapshotEvery = 200_000;
const defaultRetryMs = 1000;
/** Groups of one correlation in one trail that are held in memory. */
const maxGroups = 100_000;

/**
 * Follows every trail and holds its entries against the rules. Findings and cursor are committed together. What
 * correlations know is kept now and then only, since the log tells it again: after a stop the entries from the last
 * snapshot up to the cursor are taken once more, without their findings, which are there. So nothing is found twice, or
 * not at all, wherever it stops.
 */
export class DetectFollower implements AsyncDisposable {
  readonly #parts: DetectFollowerParts;
  readonly #behind: Set<string> = new Set();
  readonly #trails: Map<string, TrailDetection> = new Map();
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
    return (
      this.#trails.get(trail)?.progress ?? {
        entries: this.#parts.store.cursor(trail),
        completeMs: undefined,
        late: 0,
        isReady: false,
      }
    );
  }

  /** Since the start, over all trails. */
  get totals(): {
    /** Entries looked at. */
    readonly entries: number;
    /** Events that came too late for correlations. */
    readonly late: number;
    /** What correlations had to give up because it was more than they may hold. */
    readonly gaveUp: number;
  } {
    const gaveUp = [...this.#trails.values()].reduce((sum, following) => sum + following.gaveUp, 0);
    return { ...this.#totals, gaveUp };
  }

  /**
   * Goes on with other rules. Correlations that are the same go on from where they are; others learn from the entries that
   * are there, and begin with the next one.
   *
   * @throws what keeps the state from being kept: then the rules are those from before
   */
  reload(rules: FollowedRules): void {
    try {
      for (const following of this.#trails.values()) following.keep();
      this.#rules = rules;
    } finally {
      // What was kept may be undone with the transaction that it is a part of: all begin again from what is there.
      this.#trails.clear();
      this.#grew(this.#parts.log.trails().map(({ name }) => name));
    }
  }

  /** Lets time go on in trails to which nothing comes. To be called now and then, about once a second. */
  tick(nowMs: number): void {
    for (const [trail, following] of this.#trails) {
      if (this.#behind.has(trail)) continue;
      try {
        const findings = following.tick(nowMs);
        if (findings.length > 0) this.#parts.onFindings?.(findings);
      } catch (error) {
        this.#failed(trail, error);
      }
    }
  }

  /** Ends with what has been looked at kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#unlisten();
    await this.#running;
    for (const following of this.#trails.values()) following.keep();
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
        this.#failed(trail, error);
        await this.#rest(this.#parts.retryMs ?? defaultRetryMs);
      }
    }
  }

  /** A full disk, say. What the detector has taken is not kept: it begins again where that was. */
  #failed(trail: string, error: unknown): void {
    this.#trails.delete(trail);
    this.#parts.onError(error);
    this.#grew([trail]);
  }

  #next(): string | undefined {
    return this.#closing.signal.aborted ? undefined : this.#behind.values().next().value;
  }

  /** One piece of one trail; true when there is no more. */
  #pass(trail: string): boolean {
    const following = this.#following(trail);
    const late = following.progress.late;
    const { isDone, entries, findings } = following.pass();
    this.#totals.entries += entries;
    this.#totals.late += following.progress.late - late;
    if (findings.length > 0) this.#parts.onFindings?.(findings);
    return isDone;
  }

  #following(trail: string): TrailDetection {
    let following = this.#trails.get(trail);
    if (following === undefined) {
      const { reader, store, latenessMs, locate, spillOf, onCommit, snapshotEvery, now } = this.#parts;
      following = new TrailDetection(
        {
          ...{ reader, store, rules: this.#rules, now: now ?? Date.now },
          options: {
            ...{ latenessMs, locate },
            spill: spillOf && { store: spillOf(trail), maxGroups },
          },
          onCommit: (findings) => onCommit?.(findings),
          snapshotEvery: snapshotEvery ?? defaultSnapshotEvery,
        },
        trail,
      );
      this.#trails.set(trail, following);
    }
    return following;
  }

  async #rest(ms: number): Promise<void> {
    // An abort ends the rest early, and the loop with it.
    await sleep(ms, undefined, { signal: this.#closing.signal }).catch(() => {});
  }
}
