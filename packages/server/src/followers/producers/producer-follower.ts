import { setTimeout as sleep } from 'node:timers/promises';
import { type Entry, SealtrailError } from '@sealtrail/core';
import { deterministicId } from '../../access/deterministic-id.ts';
import { systemTrail } from '../../access/permissions.ts';
import type { SystemTrail } from '../../access/system-trail.ts';
import type { LogReader, ProducerState, ProducerStore } from '../../ports.ts';
import type { LogListener } from '../../sequencer/log-client.ts';
import type { SeenProducers, SeenRange, SeenSequence } from './seen-producers.ts';
import { type Gap, observe, unseenProducer } from './sequence.ts';

export interface ProducerFollowerParts {
  /** Tells which trails there are, and when they grow. */
  readonly log: {
    trails(): readonly { readonly name: string }[];
    listen(listener: LogListener): () => void;
  };
  readonly reader: LogReader;
  /** What is already known of entries; the others are read. */
  readonly seen: SeenProducers;
  readonly store: ProducerStore;
  readonly system: Pick<SystemTrail, 'record'>;
  /** Told of what went wrong; the follower tries again by itself. */
  readonly onError: (error: unknown) => void;
  /** Rest before new entries are looked at, by which time another follower has read most of them; default 250 ms. */
  readonly lingerMs?: number;
  /** Default one second. */
  readonly retryMs?: number;
}

/** A gap, and the entry that showed it. */
interface FoundGap extends Gap {
  readonly producer: string;
  readonly index: number;
  readonly receivedAt: string;
}

/** A gap to report, with the number of gaps before it that were not. */
interface DueReport {
  readonly gap: FoundGap;
  readonly unreported: number;
}

/** Entries read from the log at a time; the thread is shared with searches, so the work comes in small pieces. */
const entriesPerRead = 512;
/** Rest between passes while there is more to do. */
const restMs = 5;
const defaultLingerMs = 250;
/** Entries without a producer that are looked at before the cursor is committed for them alone. */
const entriesPerCommit = 65_536;
const defaultRetryMs = 1000;
/** Reports for one producer in an hour of receive times: a producer that counts as it likes must not fill `system`. */
export const maxReportsPerHour = 60;

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
  /** How far each trail has been looked at: as committed, or beyond it over entries that nothing was learned from. */
  readonly #cursors: Map<string, { committed: number; seen: number }> = new Map();
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
    try {
      for (const [trail, { committed, seen }] of this.#cursors)
        if (seen > committed) this.#parts.store.commit(trail, seen, new Map());
    } catch (error) {
      // What was looked at for nothing is looked at again on the next start.
      this.#parts.onError(error);
    }
  }

  #grew(trails: readonly string[]): void {
    for (const trail of trails) if (trail !== systemTrail) this.#behind.add(trail);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    await this.#rest(this.#parts.lingerMs ?? defaultLingerMs);
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
    const cursor = this.#cursor(trail);
    const { to, seen } = this.#parts.seen.take(trail, cursor.seen) ?? this.#read(trail, cursor.seen);
    const states = new Map<string, ProducerState>();
    const gaps: FoundGap[] = [];
    for (const { index, producer, seq, receivedAt } of seen) {
      const before = states.get(producer) ?? this.#known(trail, producer, seq);
      const { state, gap } = observe(before, seq);
      states.set(producer, state);
      if (gap) gaps.push({ ...gap, producer, index, receivedAt });
    }
    const reports = dueReports(withoutFilled(gaps, seen), states);
    await Promise.all(reports.map((report) => this.#report(trail, report)));
    if (states.size > 0 || to - cursor.committed >= entriesPerCommit) {
      this.#parts.store.commit(trail, to, states);
      cursor.committed = to;
    }
    cursor.seen = to;
    return to >= this.#parts.reader.size(trail);
  }

  /** Numbers begin with 0, so that a lost first event shows; where the producer may have been forgotten, with this one. */
  #known(trail: string, producer: string, seq: number): ProducerState {
    const { store } = this.#parts;
    const known = store.producer(trail, producer);
    return known ?? unseenProducer(store.hasForgottenProducers(trail) ? seq : 0);
  }

  #cursor(trail: string): { committed: number; seen: number } {
    let cursor = this.#cursors.get(trail);
    if (cursor === undefined) {
      const committed = this.#parts.store.cursor(trail);
      cursor = { committed, seen: committed };
      this.#cursors.set(trail, cursor);
    }
    return cursor;
  }

  #read(trail: string, from: number): SeenRange {
    const { reader } = this.#parts;
    const to = Math.min(reader.size(trail), from + entriesPerRead);
    const seen: SeenSequence[] = [];
    reader.entries(trail, from, to).forEach((bytes, i) => {
      if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(mark) < 0) return;
      const { producer, receivedAt } = JSON.parse(text.decode(bytes)) as Entry;
      if (producer) seen.push({ index: from + i, producer: producer.id, seq: producer.seq, receivedAt });
    });
    return { from, to, seen };
  }

  async #report(trail: string, { gap, unreported }: DueReport): Promise<void> {
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
      metadata: {
        missingFrom: gap.from,
        missingTo: gap.to,
        seenAtIndex: gap.index,
        ...(unreported > 0 && { unreportedGaps: unreported }),
      },
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

/** Gaps that the same pass has filled were only a change of order. */
function withoutFilled(gaps: readonly FoundGap[], seen: readonly SeenSequence[]): readonly FoundGap[] {
  if (gaps.length === 0) return gaps;
  const numbers = new Set(seen.map(({ producer, seq }) => `${seq} ${producer}`));
  return gaps.filter(({ producer, from, to }) => {
    if (to - from >= seen.length) return true;
    for (let seq = from; seq <= to; seq++) if (!numbers.has(`${seq} ${producer}`)) return true;
    return false;
  });
}

/** Of the gaps found, those to report; the others are counted in the states of their producers. */
function dueReports(gaps: readonly FoundGap[], states: Map<string, ProducerState>): readonly DueReport[] {
  return gaps.flatMap((gap) => {
    const state = states.get(gap.producer)!;
    const hour = gap.receivedAt.slice(0, 'YYYY-MM-DDTHH'.length);
    const count = state.reports.hour === hour ? state.reports.count : 0;
    const { unreported } = state.reports;
    const isDue = count < maxReportsPerHour;
    const reports = isDue
      ? { hour, count: count + 1, unreported: 0 }
      : { hour, count, unreported: unreported + 1 };
    states.set(gap.producer, { ...state, reports });
    return isDue ? [{ gap, unreported }] : [];
  });
}
