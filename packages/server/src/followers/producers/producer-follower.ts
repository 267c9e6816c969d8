import { setTimeout as sleep } from 'node:timers/promises';
import { type Entry, SealtrailError } from '@sealtrail/core';
import { systemTrail } from '../../access/permissions.ts';
import type { SystemTrail } from '../../access/system-trail.ts';
import type { LogReader, ProducerState, ProducerStore } from '../../ports.ts';
import type { LogListener } from '../../sequencer/log-client.ts';
import { deterministicId } from './deterministic-id.ts';
import { type Gap, observe } from './sequence.ts';

export interface ProducerFollowerParts {
  /** Tells which trails there are, and when they grow. */
  readonly log: {
    trails(): readonly { readonly name: string }[];
    listen(listener: LogListener): () => void;
  };
  readonly reader: LogReader;
  readonly store: ProducerStore;
  readonly system: Pick<SystemTrail, 'record'>;
  /** Told of what went wrong; the follower tries again by itself. */
  readonly onError: (error: unknown) => void;
  /** Default one second. */
  readonly retryMs?: number;
}

/** A gap, and the entry that showed it. */
interface FoundGap extends Gap {
  readonly producer: string;
  readonly index: number;
}

/** Entries looked at in one transaction; the thread is shared with searches, so the work comes in small pieces. */
const entriesPerPass = 512;
/** Rest between passes while there is more to do. */
const restMs = 5;
const defaultRetryMs = 1000;

const text = new TextDecoder();
/** What an entry without a producer does not contain: nearly all work is passed over by this. */
const mark = Buffer.from('"producer":{');

/**
 * Follows every trail and looks for jumps in producers' sequence numbers: events that were lost on their way. A gap
 * becomes an entry in `system` whose id follows from the entry that showed it, so that after a crash it is reported
 * once; the cursor is committed together with what was learned.
 */
export class ProducerFollower implements AsyncDisposable {
  readonly #parts: ProducerFollowerParts;
  readonly #behind: Set<string> = new Set();
  readonly #unlisten: () => void;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;

  constructor(parts: ProducerFollowerParts) {
    this.#parts = parts;
    this.#unlisten = parts.log.listen({ grew: (sizes) => this.#grew(sizes.map(([trail]) => trail)) });
    this.#grew(parts.log.trails().map(({ name }) => name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#unlisten();
    await this.#running;
  }

  #grew(trails: readonly string[]): void {
    for (const trail of trails) if (trail !== systemTrail) this.#behind.add(trail);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    await this.#rest(restMs);
    for (let trail = this.#next(); trail !== undefined; trail = this.#next()) {
      this.#behind.delete(trail);
      try {
        // Behind the others, so that a busy trail does not keep them waiting.
        if (!(await this.#pass(trail))) this.#behind.add(trail);
        await this.#rest(restMs);
      } catch (error) {
        // A full disk, say. Nothing is lost: the cursor stands where it was committed.
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
  async #pass(trail: string): Promise<boolean> {
    const { reader, store } = this.#parts;
    const from = store.cursor(trail);
    const size = reader.size(trail);
    const to = Math.min(size, from + entriesPerPass);
    const states = new Map<string, ProducerState>();
    const seen = new Set<string>();
    const gaps: FoundGap[] = [];
    reader.entries(trail, from, to).forEach((bytes, i) => {
      if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(mark) < 0) return;
      const { producer } = JSON.parse(text.decode(bytes)) as Entry;
      if (!producer) return;
      const { state, gap } = observe(
        states.get(producer.id) ?? store.producer(trail, producer.id),
        producer.seq,
      );
      states.set(producer.id, state);
      seen.add(`${producer.seq} ${producer.id}`);
      if (gap) gaps.push({ ...gap, producer: producer.id, index: from + i });
    });
    const open = gaps.filter((gap) => !isFilled(gap, seen));
    await Promise.all(open.map((gap) => this.#report(trail, gap)));
    if (to > from) store.commit(trail, to, states);
    return to >= size;
  }

  async #report(trail: string, gap: FoundGap): Promise<void> {
    const reported = this.#parts.system.record({
      // What is reported follows from the entries up to this one alone: after a crash it is the same again.
      id: deterministicId(`producer.sequence_gap ${trail} ${gap.index}`),
      action: 'producer.sequence_gap',
      category: 'system',
      outcome: 'failure',
      severity: 'medium',
      actor: { type: 'system' },
      targets: [
        { type: 'trail', id: trail },
        { type: 'producer', id: gap.producer },
      ],
      metadata: { missingFrom: gap.from, missingTo: gap.to, seenAtIndex: gap.index },
    });
    await reported.catch((error: unknown) => {
      // It is in the trail, in the words of an earlier version or configuration.
      if (!(error instanceof SealtrailError && error.code === 'id_conflict')) throw error;
    });
  }

  async #rest(ms: number): Promise<void> {
    // An abort ends the rest early, and the loop with it.
    await sleep(ms, undefined, { signal: this.#closing.signal }).catch(() => {});
  }
}

/** A gap that the same pass has filled was only a change of order. */
function isFilled({ producer, from, to }: FoundGap, seen: ReadonlySet<string>): boolean {
  if (to - from >= entriesPerPass) return false;
  for (let seq = from; seq <= to; seq++) if (!seen.has(`${seq} ${producer}`)) return false;
  return true;
}
