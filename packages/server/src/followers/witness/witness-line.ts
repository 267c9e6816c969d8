import type { NoteSignature } from '@sealtrail/core';
import type { TileReader, WitnessTransport } from '../../ports.ts';
import type { Failure, PublishedCheckpoint, TrailStatus } from '../../sequencer/protocol.ts';
import { type RetrySchedule, retryDelayMs } from '../deliver/retry-schedule.ts';
import { askWitness, type FailureCode, shownCheckpoint, type WitnessFailure } from './ask-witness.ts';
import type { ReportedFailure } from './witness-reports.ts';
import type { Witness } from './witness-set.ts';

/** Trails that a witness is asked about at once. */
const maxAtOnce = 8;

const pumpDelayMs = 10;

/** How long a witness that fails rests, where nothing else is said. */
export const witnessRetries: RetrySchedule = {
  delaysMs: [2000, 10_000, 30_000, 120_000, 600_000],
  maxDelayMs: 3_600_000,
  giveUpMs: Number.POSITIVE_INFINITY,
};

/** What a line works with. */
export interface WitnessLineParts {
  readonly witness: Witness;
  /** Least time between two requests about one trail. */
  readonly everyMs: number;
  readonly retries: RetrySchedule;
  readonly trail: (name: string) => TrailStatus | undefined;
  readonly reader: Pick<TileReader, 'lastSignedBy'>;
  readonly prove: (trail: string, oldSize: number, newSize: number) => readonly Uint8Array[];
  readonly send: WitnessTransport;
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array;
  /** Holds a checkpoint that the witness shows against the log; see LogClient.compare. */
  readonly compare: (trail: string, note: string) => Promise<Failure | undefined>;
  readonly onSigned: (trail: string, size: number, signature: NoteSignature, isFirst: boolean) => void;
  readonly onFailed: (trail: string, failure: ReportedFailure, reason: string) => void;
  /** Told of what went wrong on this side. */
  readonly onError: (trail: string, error: unknown) => void;
}

/** What is known of a trail at one witness. */
interface TrailState {
  /** The size that the witness has, as far as we know. */
  size: number;
  hasSigned: boolean;
  /** The size that it has cosigned since the start; undefined before it has. */
  signedSize: number | undefined;
  /** Not asked about before this time. */
  nextMs: number;
  failures: number;
}

/** How a witness does, since the start. */
export interface WitnessCounts {
  readonly witness: string;
  readonly cosignatures: number;
  readonly failures: Readonly<Record<FailureCode, number>>;
  /** Milliseconds since 1970 of the last cosignature; undefined before the first. */
  readonly lastSignedMs: number | undefined;
}

/**
 * Asks one witness about all trails, each at most so often. Every witness has a line of its own: one that hangs holds up
 * nobody else. A witness that does not answer rests as a whole; one that refuses a trail is left alone about that one.
 */
export class WitnessLine implements AsyncDisposable {
  readonly #parts: WitnessLineParts;
  readonly #states: Map<string, TrailState> = new Map();
  /** Trails with something to cosign, in the order in which they got it. */
  readonly #due: Set<string> = new Set();
  readonly #running: Map<string, Promise<void>> = new Map();
  readonly #closing = new AbortController();
  /** Trails that have not been asked about since {@link askOnce}. */
  readonly #unasked: Set<string> = new Set();
  /** Trails that had nothing to cosign at the start, and have not been held against what the witness shows. */
  readonly #uncompared: Set<string> = new Set();
  #allAsked: PromiseWithResolvers<void> = Promise.withResolvers();
  #timer: NodeJS.Timeout | undefined;
  #isPumpSoon = false;
  /** Times in a row that the witness did not answer, and until when it rests for it. */
  #outages = 0;
  #restsUntilMs = 0;
  #cosignatures = 0;
  #lastSignedMs: number | undefined;
  readonly #failures: Record<FailureCode, number> = {
    conflict: 0,
    inconsistent: 0,
    not_accepted: 0,
    invalid_answer: 0,
    unreachable: 0,
  };

  constructor(parts: WitnessLineParts) {
    this.#parts = parts;
  }

  get counts(): WitnessCounts {
    return {
      witness: this.#parts.witness.name,
      cosignatures: this.#cosignatures,
      failures: { ...this.#failures },
      lastSignedMs: this.#lastSignedMs,
    };
  }

  /** Notes that a trail has a checkpoint to cosign. */
  add(trail: string): void {
    this.#due.add(trail);
    this.#pumpSoon();
  }

  /** Asks about trails, and resolves once each has been asked about, or the witness rests. */
  askOnce(trails: readonly string[]): Promise<void> {
    for (const trail of trails) {
      this.#unasked.add(trail);
      this.#uncompared.add(trail);
      this.#due.add(trail);
    }
    this.#pump();
    this.#settleAsked();
    return this.#allAsked.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await Promise.all(this.#running.values());
  }

  /** All trails that are published at once, or asked about, are looked through once. */
  #pumpSoon(): void {
    if (this.#isPumpSoon || this.#closing.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#isPumpSoon = true;
    this.#timer = setTimeout(() => this.#pump(), pumpDelayMs).unref();
  }

  /** Asks about what may be asked about now, and comes back when the next may be. */
  #pump(): void {
    clearTimeout(this.#timer);
    this.#isPumpSoon = false;
    if (this.#closing.signal.aborted || this.#due.size === 0) return;
    const now = this.#parts.now();
    const isResting = this.#restsUntilMs > now;
    let nextMs = isResting ? this.#restsUntilMs : Number.POSITIVE_INFINITY;
    for (const trail of isResting ? [] : this.#due) {
      if (this.#running.size >= maxAtOnce) return;
      if (this.#running.has(trail)) continue;
      const atMs = this.#state(trail).nextMs;
      if (atMs <= now) this.#start(trail);
      else nextMs = Math.min(nextMs, atMs);
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#pump(), nextMs - now).unref();
  }

  #start(trail: string): void {
    this.#due.delete(trail);
    const asked = this.#ask(trail)
      .catch((error: unknown) => {
        // Ours, not the witness's: such as a log that cannot be read.
        this.#restTrail(trail);
        this.#parts.onError(trail, error);
      })
      .finally(() => {
        this.#running.delete(trail);
        this.#unasked.delete(trail);
        this.#settleAsked();
        this.#pumpSoon();
      });
    this.#running.set(trail, asked);
  }

  async #ask(trail: string): Promise<void> {
    const { witness, send, prove } = this.#parts;
    const checkpoint = this.#parts.trail(trail)?.checkpoint;
    // An empty tree is the beginning of every other one: there is nothing to witness. It may have been another one before.
    if (checkpoint === undefined || checkpoint.size === 0) {
      if (this.#uncompared.has(trail)) await this.#compareEmpty(trail);
      return;
    }
    const state = this.#state(trail);
    if (state.signedSize === checkpoint.size) return;
    const parts = {
      witness,
      send,
      prove: (from: number, to: number) => prove(trail, from, to),
      signal: this.#closing.signal,
    };
    const outcome = await askWitness(parts, checkpoint, Math.min(state.size, checkpoint.size));
    if (this.#closing.signal.aborted) return;
    if (outcome.kind === 'cosigned') this.#signed(trail, checkpoint, outcome.signature);
    else await this.#failed(trail, outcome);
  }

  #signed(trail: string, { size }: PublishedCheckpoint, signature: NoteSignature): void {
    const state = this.#state(trail);
    const isFirst = !state.hasSigned;
    const now = this.#parts.now();
    const nextMs = now + this.#parts.everyMs;
    Object.assign(state, { size, signedSize: size, hasSigned: true, failures: 0, nextMs });
    this.#outages = 0;
    this.#cosignatures++;
    this.#lastSignedMs = now;
    this.#parts.onSigned(trail, size, signature, isFirst);
  }

  async #failed(trail: string, failure: WitnessFailure): Promise<void> {
    const { code, size, reason, retryAfterMs } = failure;
    const { now, random, onFailed } = this.#parts;
    this.#failures[code]++;
    // It is asked again, whether the trail grows or not.
    this.#due.add(trail);
    if (code === 'unreachable') {
      // What was under way when an outage began is part of the same.
      if (now() >= this.#restsUntilMs)
        this.#restsUntilMs = now() + retryDelayMs(this.#parts.retries, this.#outages++, random, retryAfterMs);
      this.#unasked.clear();
    } else this.#restTrail(trail);
    const isContradicting = code === 'conflict' || code === 'inconsistent';
    const proven = isContradicting ? await this.#proven(trail) : undefined;
    if (this.#closing.signal.aborted) return;
    onFailed(trail, { code, proven, size }, reason);
  }

  /**
   * Holds a trail of which nothing is signed against what the witness shows: a trail that was set back to its beginning
   * would sign a second history with its next entry, and only then be refused.
   */
  async #compareEmpty(trail: string): Promise<void> {
    let proven: ReportedFailure['proven'];
    try {
      proven = await this.#compareShown(trail);
    } catch (error) {
      // Signed it is not, if it was proven; that it could not be kept is for the next attempt.
      this.#due.add(trail);
      throw error;
    }
    this.#uncompared.delete(trail);
    if (proven === undefined || this.#closing.signal.aborted) return;
    this.#failures.conflict++;
    const reason = 'it shows a checkpoint that this trail signed, and of which the log has nothing';
    this.#parts.onFailed(trail, { code: 'conflict', proven }, reason);
  }

  async #proven(trail: string): Promise<ReportedFailure['proven']> {
    try {
      return await this.#compareShown(trail);
    } catch (error) {
      // The claim is reported all the same, and what it proves is looked at again with the next attempt.
      this.#parts.onError(trail, error);
      return undefined;
    }
  }

  /** @throws as `compare` */
  async #compareShown(trail: string): Promise<ReportedFailure['proven']> {
    const { witness, send, compare } = this.#parts;
    const origin = this.#parts.trail(trail)?.origin ?? '';
    const note = await shownCheckpoint({ witness, send, signal: this.#closing.signal }, origin);
    const failure = note === undefined ? undefined : await compare(trail, note);
    return failure && (failure.code === 'log_forked' ? 'forked' : 'rolled_back');
  }

  #restTrail(trail: string): void {
    const { now, random, everyMs, retries } = this.#parts;
    const state = this.#state(trail);
    state.nextMs = now() + retryDelayMs(retries, state.failures++, random, everyMs);
  }

  /** What is known of a trail: at first what its stored checkpoints say. */
  #state(trail: string): TrailState {
    const known = this.#states.get(trail);
    if (known) return known;
    const stored = this.#parts.reader.lastSignedBy(trail, this.#parts.witness.verifier.key);
    const state: TrailState = {
      size: stored?.size ?? 0,
      hasSigned: stored !== undefined,
      signedSize: undefined,
      nextMs: 0,
      failures: 0,
    };
    this.#states.set(trail, state);
    return state;
  }

  #settleAsked(): void {
    if (this.#unasked.size === 0) this.#allAsked.resolve();
  }
}
