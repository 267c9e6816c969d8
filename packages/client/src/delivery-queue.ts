import { eventLimits, type Receipt, SealtrailError } from '@sealtrail/core';
import { attemptDelivery } from './attempt.ts';
import { backoffMs } from './backoff.ts';
import type { Clock, RandomBytes } from './clock.ts';
import type { SizedEvent } from './encode.ts';
import type { DeliveryResult, Transport } from './transport.ts';

/** All bounds of a queue; `RecorderOptions` says what each one means. */
export interface QueueLimits {
  readonly lingerMs: number;
  readonly maxBatchEvents: number;
  readonly maxBatchBytes: number;
  readonly maxQueueEvents: number;
  readonly maxQueueBytes: number;
  readonly attemptTimeoutMs: number;
  readonly deliveryTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
}

interface Pending {
  readonly event: SizedEvent;
  readonly addedAt: number;
  readonly receipt: PromiseWithResolvers<Receipt>;
}

/**
 * The bounded queue between `record` and a transport. Events leave in the order in which they came, one batch at a
 * time, and stay in the queue until they are decided: durable, refused, or out of time.
 */
export class DeliveryQueue {
  readonly #transport: Transport;
  readonly #limits: QueueLimits;
  readonly #clock: Clock;
  readonly #random: RandomBytes;

  readonly #pending: Pending[] = [];
  #bytes = 0;
  /** The loop that empties the queue, while there is something in it. */
  #loop: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #isClosing = false;
  readonly #stop = new AbortController();
  /** Flushes under way: while there are some, nothing lingers. */
  #flushes = 0;
  #endLinger = new AbortController();
  #roomWaiters: (() => void)[] = [];

  /** Size of the next batch. Fewer events while a bad one is singled out; fewer bytes once the server refused more. */
  #batchEvents: number;
  #batchBytes: number;
  #failures = 0;
  /** No attempt before this time, whichever events it would carry. */
  #notBefore = 0;
  #lastError: SealtrailError | undefined;

  constructor(transport: Transport, limits: QueueLimits, clock: Clock, random: RandomBytes) {
    this.#transport = transport;
    this.#limits = limits;
    this.#clock = clock;
    this.#random = random;
    this.#batchEvents = limits.maxBatchEvents;
    this.#batchBytes = limits.maxBatchBytes;
  }

  get size(): number {
    return this.#pending.length;
  }

  /** Takes an event, or rejects with `overloaded` or `recorder_closed`. */
  add(event: SizedEvent): Promise<Receipt> {
    if (this.#isClosing) return Promise.reject(new SealtrailError('recorder_closed'));
    if (!this.#hasRoomFor(event.bytes)) return Promise.reject(overload(this.#limits));
    const receipt = Promise.withResolvers<Receipt>();
    this.#pending.push({ event, addedAt: this.#clock.monotonic(), receipt });
    this.#bytes += event.bytes;
    if (this.#hasFullBatch()) this.#endLinger.abort();
    this.#loop ??= this.#run();
    return receipt.promise;
  }

  /** Resolves when there is room for an event of any size, or when the queue is closed. */
  ready(): Promise<void> {
    if (this.#isClosing || this.#hasRoomFor(eventLimits.entryBytes)) return Promise.resolve();
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  /** Sends without lingering; resolves when all that was in the queue is decided, one way or the other. */
  async flush(): Promise<void> {
    const receipts = this.#pending.map((pending) => pending.receipt.promise);
    this.#flushes++;
    this.#endLinger.abort();
    await Promise.allSettled(receipts);
    this.#flushes--;
  }

  /** Flushes for at most `closeTimeoutMs`, then gives up what is left. */
  close(): Promise<void> {
    this.#isClosing = true;
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#wakeRoomWaiters();
    const flushed = new AbortController();
    await Promise.race([this.flush(), this.#clock.sleep(this.#limits.closeTimeoutMs, flushed.signal)]);
    flushed.abort();
    this.#stop.abort();
    this.#endLinger.abort();
    this.#giveUp(this.#pending.length, 'the recorder was closed before the server took the event');
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (this.#pending.length > 0) {
      this.#expire();
      // This await also lets everything recorded in this turn of the event loop share a batch, even without linger.
      if (!(await this.#isTimeToSend())) continue;
      const batch = this.#nextBatch();
      const events = batch.map((pending) => pending.event);
      const { attemptTimeoutMs } = this.#limits;
      const result = await attemptDelivery(
        this.#transport,
        events,
        this.#clock,
        attemptTimeoutMs,
        this.#stop.signal,
      );
      this.#settle(batch, result);
      this.#wakeRoomWaiters();
    }
    this.#loop = undefined;
  }

  /** False after waiting for back-off or linger: the queue is then to be looked at again. */
  async #isTimeToSend(): Promise<boolean> {
    const oldest = this.#pending[0];
    if (!oldest) return false;
    const now = this.#clock.monotonic();
    if (now < this.#notBefore) {
      const deadline = oldest.addedAt + this.#limits.deliveryTimeoutMs;
      await this.#clock.sleep(Math.min(this.#notBefore, deadline) - now, this.#stop.signal);
      return false;
    }
    const lingerUntil = oldest.addedAt + this.#limits.lingerMs;
    const isUrgent = this.#flushes > 0 || this.#failures > 0 || this.#hasFullBatch();
    if (isUrgent || now >= lingerUntil) return true;
    this.#endLinger = new AbortController();
    await this.#clock.sleep(lingerUntil - now, this.#endLinger.signal);
    return false;
  }

  #nextBatch(): Pending[] {
    let bytes = 0;
    let length = 0;
    for (const { event } of this.#pending) {
      bytes += event.bytes;
      if (length === this.#batchEvents || (length > 0 && bytes > this.#batchBytes)) break;
      length++;
    }
    return this.#pending.slice(0, length);
  }

  #settle(batch: readonly Pending[], result: DeliveryResult): void {
    switch (result.kind) {
      case 'unavailable':
        this.#backOff(result.error, result.retryAfterMs);
        return;
      case 'refused':
        this.#recover();
        if (result.divisible && batch.length > 1) this.#divide(batch, result.error);
        else {
          for (const { receipt } of batch) receipt.reject(result.error);
          this.#remove(batch, []);
        }
        return;
      case 'answered': {
        const undecided = batch.filter((_, position) => result.outcomes[position] === undefined);
        if (undecided.length === batch.length) {
          this.#backOff(new SealtrailError('not_delivered', 'the answer decided about no event'), undefined);
          return;
        }
        for (const [position, { receipt }] of batch.entries()) {
          const outcome = result.outcomes[position];
          if (outcome instanceof SealtrailError) receipt.reject(outcome);
          else if (outcome) receipt.resolve(outcome);
        }
        this.#recover();
        this.#batchEvents = Math.min(this.#limits.maxBatchEvents, this.#batchEvents * 2);
        this.#remove(batch, undecided);
      }
    }
  }

  /** Makes the next batch smaller than the refused one, until it goes through or is a single event. */
  #divide(batch: readonly Pending[], error: SealtrailError): void {
    if (error.code === 'body_too_large') {
      // A limit of the other side does not go away: stay below it from now on.
      this.#batchBytes = Math.ceil(batch.reduce((sum, { event }) => sum + event.bytes, 0) / 2);
    } else {
      this.#batchEvents = Math.ceil(batch.length / 2);
    }
  }

  #backOff(error: SealtrailError, retryAfterMs: number | undefined): void {
    this.#lastError = error;
    this.#failures++;
    const bounds = { baseMs: this.#limits.retryBaseMs, maxMs: this.#limits.retryMaxMs };
    this.#notBefore = this.#clock.monotonic() + backoffMs(this.#failures, bounds, this.#random, retryAfterMs);
  }

  #recover(): void {
    this.#failures = 0;
    this.#notBefore = 0;
    this.#lastError = undefined;
  }

  /** Gives up the events whose time is over. They are in order of arrival, so these are the first ones. */
  #expire(): void {
    const { deliveryTimeoutMs } = this.#limits;
    const before = this.#clock.monotonic() - deliveryTimeoutMs;
    const fresh = this.#pending.findIndex((pending) => pending.addedAt > before);
    const count = fresh === -1 ? this.#pending.length : fresh;
    this.#giveUp(count, `the event was not delivered within ${deliveryTimeoutMs} ms`);
  }

  #giveUp(count: number, why: string): void {
    if (count === 0) return;
    const last = this.#lastError;
    const error = new SealtrailError(
      'not_delivered',
      `${why}${last ? ` (last attempt: ${last.message})` : ''}; whether it is in the trail is not known, and recording it again with the same id is safe`,
      last ? { cause: last } : {},
    );
    const batch = this.#pending.slice(0, count);
    for (const { receipt } of batch) receipt.reject(error);
    this.#remove(batch, []);
    this.#wakeRoomWaiters();
  }

  /** Takes a batch out of the front of the queue, but for those that stay. */
  #remove(batch: readonly Pending[], staying: readonly Pending[]): void {
    this.#pending.splice(0, batch.length, ...staying);
    for (const { event } of batch) this.#bytes -= event.bytes;
    for (const { event } of staying) this.#bytes += event.bytes;
  }

  #hasFullBatch(): boolean {
    return this.#pending.length >= this.#batchEvents || this.#bytes >= this.#batchBytes;
  }

  #hasRoomFor(bytes: number): boolean {
    const { maxQueueEvents, maxQueueBytes } = this.#limits;
    return this.#pending.length < maxQueueEvents && this.#bytes + bytes <= maxQueueBytes;
  }

  #wakeRoomWaiters(): void {
    if (!this.#isClosing && !this.#hasRoomFor(eventLimits.entryBytes)) return;
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const resolve of waiters) resolve();
  }
}

function overload({ maxQueueEvents, maxQueueBytes }: QueueLimits): SealtrailError {
  return new SealtrailError(
    'overloaded',
    `the queue of the recorder is full (${maxQueueEvents} events or ${maxQueueBytes} bytes): this process reports faster than the server takes. Await record() or ready() before recording more, or raise maxQueueEvents and maxQueueBytes`,
  );
}
