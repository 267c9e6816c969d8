import { type Entry, parseTime } from '@sealtrail/core';
import {
  type CompiledRules,
  Detector,
  type DetectorOptions,
  type Episode,
  type EpisodeFinding,
  type Learner,
  memoryOf,
  type SavedDetector,
} from '@sealtrail/core/sigma';
import type { DetectionStore, Snapshot, StoredFinding, Tick } from '../../detection-ports.ts';
import type { LogReader } from '../../ports.ts';
import { indexOfTime } from '../../rules/index-of-time.ts';
import { inputOf } from './entry-views.ts';
import { findingOfEpisode, findingOfMatch } from './finding.ts';

/** Rules to follow with. */
export interface FollowedRules {
  readonly compiled: CompiledRules;
  /** By the keys of correlations: what their state belongs to. */
  readonly fingerprints: ReadonlyMap<string, string>;
}

export interface TrailDetectionParts {
  readonly reader: LogReader;
  readonly store: DetectionStore;
  readonly rules: FollowedRules;
  /** Without what is told of matches: it is told of findings. */
  readonly options: Pick<DetectorOptions, 'latenessMs' | 'locate' | 'spill'>;
  /** Told of findings, new or amended, in the transaction that keeps them. */
  readonly onCommit: (findings: readonly StoredFinding[]) => void;
  readonly now: () => number;
  /** Entries between two snapshots of what correlations know. */
  readonly snapshotEvery: number;
}

/** Entries that correlations which are new learn from, and how far they have come. */
interface Lesson {
  readonly learner: Learner;
  next: number;
  readonly to: number;
}

/** How far detection in a trail is. */
export interface DetectionProgress {
  /** Entries looked at. */
  readonly entries: number;
  /** At or before this event time nothing can come that counts in a correlation; undefined before the first event. */
  readonly completeMs: number | undefined;
  /** Events that came too late for correlations. */
  readonly late: number;
  /** Whether all that was known before the last stop is known again. */
  readonly isReady: boolean;
}

/** Entries looked at together, and findings committed together. */
const entriesPerPass = 512;
/** Entries without a finding that are looked at before the cursor is committed for them alone. */
const entriesPerCommit = 8192;
/** Entries that a correlation which is new learns from, at most. */
const maxLearnt = 2_000_000;
/** How long what is new of a correlation that was told of may wait to be kept: it changes with every event of an attack. */
const amendEveryMs = 5000;
/** So that a new finding does not wait for many that have changed. */
const amendmentsPerPass = 100;
/** An entry is received a little before it can be read. */
const commitMs = 5000;

const text = new TextDecoder();

/**
 * Detection in one trail. It begins with what was kept: correlations that are new learn from the entries before, entries that
 * waited for the watermark wait again, then the entries from the last snapshot up to the cursor are taken again, whose findings
 * are there, or amended again. From then on it follows. All of it goes by pieces, so that other trails have their turn.
 */
export class TrailDetection {
  readonly trail: string;
  readonly #parts: TrailDetectionParts;
  readonly #detector: Detector;
  readonly #learning: Lesson | undefined;
  #hasLearnt: boolean;
  /** Ranges of entries of which some wait for the watermark, still to be taken for that. */
  readonly #waiting: (readonly [from: number, to: number])[];
  /** Keys of correlations that are new: they speak from the first entry on that is new. */
  #fresh: ReadonlySet<string>;
  /** Whether it was kept that these are the correlations that there are. */
  #areKept: boolean;
  /** Where the clock moved the watermark, still to be come by again. */
  readonly #ticks: Tick[];
  /** Entries that the detector has taken, those whose findings are kept, and those of the last snapshot. */
  #taken: number;
  #committed: number;
  #kept: number;
  #late = 0;
  /** When the last entry was received; undefined until that is asked for. */
  #receivedMs: number | undefined;
  /** Episodes that findings are kept of, by whether they had ended then; and what has changed of them since. */
  readonly #told: WeakMap<Episode, boolean> = new WeakMap();
  readonly #amended: Map<Episode, EpisodeFinding> = new Map();
  #amendedMs: number;
  /** Where the watermark was after the last entry. */
  #restMs: number;

  constructor(parts: TrailDetectionParts, trail: string) {
    const { store, rules, options } = parts;
    this.#parts = parts;
    this.trail = trail;
    this.#detector = new Detector(rules.compiled, options);
    const snapshot = store.snapshot(trail);
    if (snapshot !== undefined) this.#detector.load(stateFor(snapshot, rules.fingerprints));
    this.#waiting = [...(snapshot?.state.waiting ?? [])];
    this.#taken = snapshot?.entries ?? 0;
    this.#kept = this.#taken;
    this.#committed = store.cursor(trail);
    this.#ticks = [...store.ticks(trail)];
    const kept = snapshot?.fingerprints ?? new Map<string, string>();
    this.#fresh = new Set(
      rules.compiled.correlations.flatMap(({ key }) =>
        kept.get(key) === rules.fingerprints.get(key) ? [] : [key],
      ),
    );
    this.#areKept = kept.size === rules.fingerprints.size && this.#fresh.size === 0;
    this.#learning = this.#taken > 0 ? this.#lesson() : undefined;
    this.#hasLearnt = this.#learning === undefined;
    this.#restMs = this.#detector.watermarkMs;
    this.#amendedMs = parts.now();
  }

  get progress(): DetectionProgress {
    const { watermarkMs } = this.#detector;
    return {
      entries: Math.max(this.#taken, this.#committed),
      completeMs: Number.isFinite(watermarkMs) ? watermarkMs : undefined,
      late: this.#late,
      isReady: this.#isBack,
    };
  }

  /** What correlations had to give up because it was more than they may hold. */
  get gaveUp(): number {
    return [...this.#detector.gaveUp.values()].reduce((sum, count) => sum + count, 0);
  }

  /** One piece. */
  pass(): {
    readonly isDone: boolean;
    readonly entries: number;
    readonly findings: readonly StoredFinding[];
  } {
    const { reader, snapshotEvery } = this.#parts;
    if (!this.#hasLearnt) {
      this.#learn();
      return { isDone: false, entries: 0, findings: [] };
    }
    if (this.#waiting.length > 0) {
      this.#refill();
      return { isDone: false, entries: 0, findings: [] };
    }
    if (this.#isBehindCursor) {
      this.#retake();
      return { isDone: false, entries: 0, findings: [] };
    }
    const size = reader.size(this.trail);
    const from = this.#taken;
    // From here on they are not new any more, also after a stop.
    if (!this.#areKept && size > 0) {
      this.keep(true);
      this.#areKept = true;
    }
    this.#fresh = new Set();
    const to = Math.min(size, from + entriesPerPass);
    const inputs = this.#inputs(from, to);
    const { matches, episodes, late } = this.#detector.take(inputs);
    this.#receivedMs = inputs.at(-1)?.receivedMs ?? this.#receivedMs;
    this.#taken = to;
    if (to > from) this.#restMs = this.#detector.watermarkMs;
    this.#late += late;
    const findings = [
      ...matches.map((match) => findingOfMatch(this.trail, match)),
      ...this.#findingsToKeep(episodes),
    ];
    if (findings.length > 0 || to - this.#committed >= entriesPerCommit) this.#commit(findings);
    if (to - this.#kept >= snapshotEvery) this.keep();
    return { isDone: to >= size, entries: to - from, findings };
  }

  /**
   * Lets time go on where nothing comes: event time does as the clock does, from the last entry on, as far as something
   * waits for it. Where it has moved the watermark is kept with what this led to, since no entry tells it.
   */
  tick(nowMs: number): readonly StoredFinding[] {
    const { reader, options } = this.#parts;
    const isCaughtUp = this.#isBack && this.#taken === reader.size(this.trail);
    if (!isCaughtUp || this.#taken === 0) return [];
    const clockMs = nowMs - commitMs;
    const episodes = [...this.#detector.tick(clockMs)];
    // Behind the clock by the lateness at least, and otherwise as far ahead of the last entry as the clock is.
    this.#receivedMs ??= this.#readReceived();
    const restedMs = clockMs - this.#receivedMs;
    const tickMs = Math.min(this.#restMs + restedMs, clockMs - options.latenessMs);
    const moves = this.#detector.waitingMs <= tickMs && tickMs > this.#detector.watermarkMs;
    if (moves) episodes.push(...this.#detector.finish(tickMs));
    const findings = this.#findingsToKeep(episodes);
    if (moves || findings.length > 0) this.#commit(findings, moves ? tickMs : undefined);
    return findings;
  }

  /** Keeps what correlations know, so that less is taken again after a stop. */
  keep(isForced = false): void {
    const { store, rules } = this.#parts;
    // What is taken again is there already, and is taken again once more.
    if (!this.#isBack) return;
    if (this.#taken > this.#committed || this.#amended.size > 0) this.#commit(this.#takeAmendments());
    if (this.#taken === this.#kept && !isForced) return;
    store.keep(this.trail, this.#taken, this.#detector.takeChanges(), rules.fingerprints);
    this.#kept = this.#taken;
  }

  /** Of these the events before are to be learnt: as far back as they remember. */
  #lesson(): Lesson | undefined {
    const { reader, rules, now } = this.#parts;
    const fresh = rules.compiled.correlations.filter(({ key }) => this.#fresh.has(key));
    if (fresh.length === 0) return undefined;
    const memoryMs = Math.max(...fresh.map(({ document }) => memoryOf(document.correlation)));
    // What happened behind the watermark was received behind it.
    const sinceMs = Math.min(now() - memoryMs, this.#detector.watermarkMs);
    const from = Math.max(indexOfTime(reader, this.trail, sinceMs), this.#taken - maxLearnt, 0);
    if (from >= this.#taken) return undefined;
    const learner = this.#detector.learner(new Set(fresh.map(({ key }) => key)));
    return { learner, next: from, to: this.#taken };
  }

  #learn(): void {
    const learning = this.#learning!;
    const to = Math.min(learning.to, learning.next + entriesPerPass);
    learning.learner.take(this.#inputs(learning.next, to));
    learning.next = to;
    if (to < learning.to) return;
    learning.learner.finish();
    this.#hasLearnt = true;
  }

  /** Lets entries that waited wait again. */
  #refill(): void {
    const [from, to] = this.#waiting[0]!;
    const until = Math.min(to, from + entriesPerPass);
    this.#detector.refill(this.#inputs(from, until));
    if (until < to) this.#waiting[0] = [until, to];
    else this.#waiting.shift();
  }

  /** Whether all that was known before the last stop is known again. */
  get #isBack(): boolean {
    return this.#hasLearnt && this.#waiting.length === 0 && !this.#isBehindCursor;
  }

  get #isBehindCursor(): boolean {
    return this.#taken < this.#committed || this.#ticks.length > 0;
  }

  /** Takes again what was taken before the stop; its findings are there. */
  #retake(): void {
    const tick = this.#ticks[0];
    const until = Math.min(this.#committed, tick?.entries ?? Number.POSITIVE_INFINITY);
    const to = Math.min(until, this.#taken + entriesPerPass);
    // What was to be amended when it stopped may not have been kept: it is amended again.
    if (to > this.#taken) this.#amend(this.#detector.take(this.#inputs(this.#taken, to)).episodes);
    this.#taken = Math.max(this.#taken, to);
    if (tick === undefined || this.#taken < Math.min(tick.entries, this.#committed)) return;
    this.#amend(this.#detector.finish(tick.watermarkMs));
    this.#restMs = this.#detector.watermarkMs;
    this.#ticks.shift();
  }

  #commit(findings: readonly StoredFinding[], tickMs?: number): void {
    const { store, onCommit } = this.#parts;
    const open = findings.filter(({ kind, id }) => kind === 'match' || !store.isSettled(id));
    store.commit(this.trail, { cursor: this.#taken, findings: open, tickMs }, () => onCommit(open));
    this.#committed = this.#taken;
  }

  /** What is to be kept now: whatever is new, merged or has ended, and now and then what has only changed. */
  #findingsToKeep(episodes: readonly EpisodeFinding[]): StoredFinding[] {
    const isNew = ({ episode }: EpisodeFinding): boolean =>
      this.#told.get(episode) !== hasEnded(episode) || episode.mergedInto !== undefined;
    const fresh = episodes.filter(isNew);
    this.#amend(episodes.filter((finding) => !isNew(finding)));
    for (const { episode } of fresh) {
      this.#told.set(episode, hasEnded(episode));
      this.#amended.delete(episode);
    }
    const isTime = this.#parts.now() - this.#amendedMs >= amendEveryMs;
    return [
      ...fresh.map((finding) => findingOfEpisode(this.trail, finding)),
      ...(isTime ? this.#takeAmendments(amendmentsPerPass) : []),
    ];
  }

  #amend(findings: readonly EpisodeFinding[]): void {
    for (const finding of findings) {
      if (this.#isBehindCursor && this.#fresh.has(finding.rule.key)) continue;
      this.#told.set(finding.episode, hasEnded(finding.episode));
      this.#amended.set(finding.episode, finding);
    }
  }

  /** Those that have waited longest. */
  #takeAmendments(most: number = Number.POSITIVE_INFINITY): StoredFinding[] {
    const taken: StoredFinding[] = [];
    for (const [episode, finding] of this.#amended) {
      if (taken.length >= most) return taken;
      this.#amended.delete(episode);
      taken.push(findingOfEpisode(this.trail, finding));
    }
    this.#amendedMs = this.#parts.now();
    return taken;
  }

  #readReceived(): number {
    const [bytes] = this.#parts.reader.entries(this.trail, this.#taken - 1, this.#taken);
    return parseTime((JSON.parse(text.decode(bytes!)) as Entry).receivedAt)!;
  }

  #inputs(from: number, to: number): ReturnType<typeof inputOf>[] {
    return this.#parts.reader.entries(this.trail, from, to).map((bytes, i) => inputOf(bytes, from + i));
  }
}

const hasEnded = ({ endMs }: Episode): boolean => Number.isFinite(endMs);

/** What was kept of correlations that are still the same. */
function stateFor(
  { state, fingerprints: kept }: Snapshot,
  fingerprints: ReadonlyMap<string, string>,
): SavedDetector {
  const same = [...state.correlators].filter(([key]) => kept.get(key) === fingerprints.get(key));
  return { ...state, correlators: new Map(same) };
}
