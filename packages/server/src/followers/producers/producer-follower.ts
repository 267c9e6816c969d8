import type { Entry } from '@sealtrail/core';
import { systemTrail } from '../../access/permissions.ts';
import type { SystemTrail } from '../../access/system-trail.ts';
import type { LogReader, ProducerState, ProducerStore } from '../../ports.ts';
import type { LogClient } from '../../sequencer/log-client.ts';
import { deterministicId } from './deterministic-id.ts';
import { type Gap, observe } from './sequence.ts';

export interface ProducerFollowerParts {
  readonly log: LogClient;
  readonly reader: LogReader;
  readonly store: ProducerStore;
  readonly system: SystemTrail;
}

/** Entries looked at in one transaction; the thread is shared with requests, so the work comes in small pieces. */
const entriesPerPass = 512;
/** Rest between passes while there is more to do. */
const restMs = 5;

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
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: ProducerFollowerParts) {
    this.#parts = parts;
    this.#unlisten = parts.log.listen({ grew: (sizes) => this.#grew(sizes.map(([trail]) => trail)) });
    this.#grew(parts.log.trails().map(({ name }) => name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
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
    await rest();
    for (
      let trail = first(this.#behind);
      trail !== undefined && !this.#isClosed;
      trail = first(this.#behind)
    ) {
      const isCaughtUp = await this.#pass(trail).catch(() => undefined);
      // What failed (a full disk, say) is tried again with the trail's next growth, from the cursor that was committed.
      if (isCaughtUp !== false) this.#behind.delete(trail);
      await rest();
    }
  }

  /** One piece of one trail; true when there is no more. */
  async #pass(trail: string): Promise<boolean> {
    const { reader, store } = this.#parts;
    const from = store.cursor(trail);
    const size = reader.size(trail);
    const to = Math.min(size, from + entriesPerPass);
    const states = new Map<string, ProducerState>();
    const gaps: (Gap & { readonly producer: string; readonly index: number })[] = [];
    reader.entries(trail, from, to).forEach((bytes, i) => {
      if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(mark) < 0) return;
      const { producer } = JSON.parse(text.decode(bytes)) as Entry;
      if (!producer) return;
      const seen = observe(states.get(producer.id) ?? store.producer(trail, producer.id), producer.seq);
      states.set(producer.id, seen.state);
      if (seen.gap) gaps.push({ ...seen.gap, producer: producer.id, index: from + i });
    });
    // A gap that the same pass has filled was only a change of order.
    const open = gaps.filter(({ producer, from: lost }) =>
      states.get(producer)!.missing.some(([a, b]) => a <= lost && lost <= b),
    );
    for (const gap of open) await this.#report(trail, gap);
    if (to > from) store.commit(trail, to, states);
    return to === size;
  }

  async #report(
    trail: string,
    gap: Gap & { readonly producer: string; readonly index: number },
  ): Promise<void> {
    await this.#parts.system.record({
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
  }
}

const first = (trails: ReadonlySet<string>): string | undefined => trails.values().next().value;
const rest = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, restMs));
