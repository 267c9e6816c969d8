import type { LineHead, Outbox, Outgoing, Sender, SendOutcome, Settlement } from '../../channel-ports.ts';
import { outgoingOf } from '../../channels/outgoing.ts';
import { defaultRetrySchedule, type RetrySchedule, retryDelayMs } from './retry-schedule.ts';

export interface CourierParts {
  readonly outbox: Outbox;
  readonly sender: Sender;
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array;
  /** Version of the server, for formats that name the product. */
  readonly version: string;
  /**
   * Told that the other end wants nothing any more: disables the channel, durably, before it returns. What is in its line
   * stays there.
   */
  readonly onGone: (channel: string, error: string) => void;
  /** Told that a notification was given up. */
  readonly onDeadLetter: (channel: string, error: string) => void;
  /** Told of what should not happen, such as a disk that takes no more. It goes on by itself. */
  readonly onError: (error: unknown) => void;
  readonly schedule?: RetrySchedule;
  /** Longest time until what was delivered is kept as delivered; more of it goes out again after a crash. Default 200 ms. */
  readonly settleMs?: number;
  /** Pause after an error of the database, default one second. */
  readonly errorPauseMs?: number;
}

const defaultSettleMs = 200;
/** Deliveries that are kept as delivered together, at most. */
const maxUnsettled = 256;
/** So that a clock that is set does not hold up a line for long. */
const maxSleepMs = 60_000;
const defaultErrorPauseMs = 1000;

/** A line that is being worked on. */
interface Line {
  /** The last place that was dealt with; what became of it may not be kept yet. */
  afterSeq: number;
  isRunning: boolean;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Carries notifications to where channels lead: each channel in its order, one at a time, beside the others.
 *
 * Nothing is written before a notification leaves, and what became of those that were delivered is kept a little later and
 * together. So a crash can make the last of them go out again, in their order; it loses none, since only what is kept as
 * settled leaves the line.
 */
export class Courier implements AsyncDisposable {
  readonly #parts: CourierParts;
  readonly #schedule: RetrySchedule;
  readonly #errorPauseMs: number;
  readonly #lines: Map<string, Line> = new Map();
  readonly #running: Set<Promise<void>> = new Set();
  readonly #closing = new AbortController();
  #unsettled: Settlement[] = [];
  #settleTimer: NodeJS.Timeout | undefined;
  /** The database has failed: nothing further is sent until what became of the others is kept. */
  #isStuck = false;

  constructor(parts: CourierParts) {
    this.#parts = parts;
    this.#schedule = parts.schedule ?? defaultRetrySchedule;
    this.#errorPauseMs = parts.errorPauseMs ?? defaultErrorPauseMs;
  }

  /**
   * Looks for what waits; what is due leaves before this returns. To be called when it starts, and whenever something was
   * enqueued or a channel changed: after the commit, not within it.
   */
  wake(): void {
    if (this.#closing.signal.aborted) return;
    try {
      for (const channel of this.#parts.outbox.busy()) this.#start(channel);
    } catch (error) {
      this.#rest(error);
    }
  }

  /** Ends attempts that are on their way; they are made again after the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error('the courier closes'));
    for (const { timer } of this.#lines.values()) clearTimeout(timer);
    await Promise.all(this.#running);
    clearTimeout(this.#settleTimer);
    this.#settle();
    clearTimeout(this.#settleTimer);
  }

  #start(channel: string): void {
    const line = this.#lines.get(channel) ?? { afterSeq: 0, isRunning: false, timer: undefined };
    this.#lines.set(channel, line);
    if (line.isRunning || this.#isStuck || this.#closing.signal.aborted) return;
    clearTimeout(line.timer);
    line.timer = undefined;
    line.isRunning = true;
    const running = this.#run(channel, line).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Works on a line until there is nothing to do now. Whoever enqueues then starts it again: no wait lies between. */
  async #run(channel: string, line: Line): Promise<void> {
    try {
      for (let head = this.#due(channel, line); head; head = this.#due(channel, line)) {
        const outcome = await this.#attempt(head);
        if (outcome === undefined) break;
        this.#conclude(head, outcome, line);
      }
    } catch (error) {
      this.#parts.onError(error);
      this.#sleep(channel, line, this.#errorPauseMs);
    } finally {
      line.isRunning = false;
    }
  }

  #due(channel: string, line: Line): LineHead | undefined {
    if (this.#isStuck || this.#closing.signal.aborted) return undefined;
    const head = this.#parts.outbox.head(channel, line.afterSeq);
    const waitMs = head === undefined ? 0 : head.retryAtMs - this.#parts.now();
    if (waitMs <= 0) return head;
    this.#sleep(channel, line, Math.min(waitMs, maxSleepMs));
    return undefined;
  }

  #sleep(channel: string, line: Line, ms: number): void {
    if (this.#closing.signal.aborted) return;
    clearTimeout(line.timer);
    line.timer = setTimeout(() => this.#start(channel), ms);
  }

  /** Undefined when it was ended by the end of this. */
  async #attempt({ channel, notification }: LineHead): Promise<SendOutcome | undefined> {
    const { now, onError, sender, version } = this.#parts;
    let outgoing: Outgoing;
    try {
      outgoing = outgoingOf(notification, channel, { nowMs: now(), version });
    } catch (error) {
      onError(error);
      return { kind: 'refused', error: 'it could not be written for this channel' };
    }
    try {
      return await sender.send(outgoing, this.#closing.signal);
    } catch (error) {
      if (this.#closing.signal.aborted) return undefined;
      onError(error);
      return { kind: 'retry', error: 'it could not be sent' };
    }
  }

  #conclude(head: LineHead, outcome: SendOutcome, line: Line): void {
    const { now, onDeadLetter, onGone, random } = this.#parts;
    const settled = { seq: head.seq, channel: head.channel.id, atMs: now() };
    switch (outcome.kind) {
      case 'delivered':
        line.afterSeq = head.seq;
        this.#unsettled.push({ ...settled, kind: 'delivered', error: outcome.error });
        // That the channel works again is kept at once: the next failure is then the first.
        if (this.#unsettled.length >= maxUnsettled || head.failures > 0) this.#settle();
        else this.#settleLater(this.#parts.settleMs ?? defaultSettleMs);
        return;
      case 'retry': {
        const delayMs = retryDelayMs(this.#schedule, head.failures, random, outcome.retryAfterMs);
        const giveUpBeforeMs = settled.atMs - this.#schedule.giveUpMs;
        this.#unsettled.push({
          ...settled,
          kind: 'failed',
          error: outcome.error,
          retryAtMs: settled.atMs + delayMs,
          giveUpBeforeMs,
        });
        this.#settle();
        if (head.enqueuedMs <= giveUpBeforeMs) onDeadLetter(head.channel.id, outcome.error);
        return;
      }
      case 'refused':
        line.afterSeq = head.seq;
        this.#unsettled.push({ ...settled, kind: 'dead', error: outcome.error });
        this.#settle();
        onDeadLetter(head.channel.id, outcome.error);
        return;
      case 'gone':
        this.#settle();
        onGone(head.channel.id, outcome.error);
        return;
    }
  }

  #settleLater(ms: number): void {
    this.#settleTimer ??= setTimeout(() => this.#settle(), ms);
  }

  /** Keeps what became of notifications, in one commit; where that fails, everything rests and it is tried again. */
  #settle(): void {
    clearTimeout(this.#settleTimer);
    this.#settleTimer = undefined;
    const wasStuck = this.#isStuck;
    try {
      if (this.#unsettled.length > 0) this.#parts.outbox.settle(this.#unsettled);
      this.#unsettled = [];
      this.#isStuck = false;
    } catch (error) {
      this.#rest(error);
      return;
    }
    for (const [channel, { isRunning, timer }] of this.#lines)
      if (!isRunning && timer === undefined) this.#lines.delete(channel);
    if (wasStuck) this.wake();
  }

  /** Until the database works again: see {@link #settle}. */
  #rest(error: unknown): void {
    this.#isStuck = true;
    this.#parts.onError(error);
    this.#settleLater(this.#errorPauseMs);
  }
}
