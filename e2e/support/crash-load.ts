import { ingestResponseSchema, uuidV7 } from '@sealtrail/core';
import type { SeededRandom } from '../../packages/server/src/sequencer/testing/seeded-random.ts';
import type { CrashLedger, SentEvent } from './crash-ledger.ts';
import type { CrashServer } from './crash-server.ts';

const connections = 6;
const maxRecent = 5_000;
const batchSizes = [1, 1, 1, 2, 10, 100, 400];

/** Producers that never stop: their numbers go on over all lives of the server. */
export class CrashLoad {
  readonly #ledger: CrashLedger;
  readonly #random: SeededRandom;
  /** By producer: each numbers what it reports to one trail. */
  readonly #nextSeq: Map<string, number> = new Map();
  /** What was sent last. */
  readonly #recent: SentEvent[] = [];
  /** Requests that got no answer, to be sent again as they are. */
  readonly #unanswered: SentEvent[][] = [];
  #isRunning = false;

  constructor(ledger: CrashLedger, random: SeededRandom) {
    this.#ledger = ledger;
    this.#random = random;
  }

  /** Loads a server until it is gone or {@link stop} is called. */
  async run(server: CrashServer): Promise<void> {
    this.#isRunning = true;
    await Promise.all([
      ...Array.from({ length: connections }, (_, connection) => this.#produce(server, connection)),
      this.#watch(server),
    ]);
  }

  stop(): void {
    this.#isRunning = false;
  }

  /** Sends again what never got an answer. */
  async settle(server: CrashServer): Promise<void> {
    for (let events = this.#unanswered.pop(); events; events = this.#unanswered.pop()) {
      if (!(await this.#send(server, events))) throw new Error('a running server gave no answer');
    }
  }

  async #produce(server: CrashServer, connection: number): Promise<void> {
    while (this.#isRunning) {
      const again = this.#random.chance(0.3) ? this.#unanswered.pop() : undefined;
      if (!(await this.#send(server, again ?? this.#newRequest(connection)))) return;
    }
  }

  /** Asks for checkpoints in between: whatever was shown binds the server. */
  async #watch(server: CrashServer): Promise<void> {
    while (this.#isRunning) {
      try {
        for (const trail of ['main', 'system']) {
          const { status, body } = await server.request(`/trails/${trail}/checkpoint`);
          if (status === 200) this.#ledger.sawCheckpoint(trail, body);
        }
      } catch {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, this.#random.integer(1, 40)));
    }
  }

  /** False when no answer came. */
  async #send(server: CrashServer, events: readonly SentEvent[]): Promise<boolean> {
    this.#ledger.sending(events);
    const isLines = events.length > 2 && this.#random.chance(0.3);
    const body = isLines
      ? events.map((event) => JSON.stringify(event)).join('\n')
      : JSON.stringify(events.length === 1 ? events[0] : events);
    try {
      const answer = await server.request('/v1/events', {
        method: 'POST',
        body,
        headers: { 'content-type': isLines ? 'application/x-ndjson' : 'application/json' },
      });
      if (answer.status !== 201) {
        this.#ledger.faults.push(`POST /v1/events: ${answer.status} ${answer.body.slice(0, 300)}`);
        return false;
      }
      this.#ledger.received(events, ingestResponseSchema.parse(JSON.parse(answer.body)).receipts);
      return true;
    } catch {
      this.#unanswered.push([...events]);
      return false;
    }
  }

  #newRequest(connection: number): SentEvent[] {
    const random = this.#random;
    const events = Array.from({ length: random.pick(batchSizes) }, () => this.#newEvent(connection));
    this.#recent.push(...events);
    this.#recent.splice(0, this.#recent.length - maxRecent);
    // Some of what is there already goes along, and something twice.
    if (random.chance(0.2)) events.push(random.pick(this.#recent), random.pick(events));
    return events;
  }

  #newEvent(connection: number): SentEvent {
    const random = this.#random;
    const trail = random.chance(0.97) ? 'main' : `extra-${random.integer(1, 4)}`;
    const producer = `producer-${connection}-${trail}`;
    // Now and then events are lost before they are sent.
    const lost = random.chance(0.002) ? random.integer(1, 5) : 0;
    const seq = (this.#nextSeq.get(producer) ?? 0) + lost;
    this.#nextSeq.set(producer, seq + 1);
    return {
      id: random.chance(0.8) ? this.#risingId() : this.#randomId(),
      trail,
      action: 'crash.test',
      producer: { id: producer, seq },
      metadata: { text: 'x'.repeat(random.integer(0, 400)) },
    };
  }

  #bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.#random.integer(0, 255));
  }

  #risingId(): string {
    return uuidV7(Date.now(), this.#bytes(10));
  }

  /** A UUIDv4. */
  #randomId(): string {
    const id = uuidV7(0, this.#bytes(10));
    const head = Buffer.from(this.#bytes(6)).toString('hex');
    return `${head.slice(0, 8)}-${head.slice(8)}-4${id.slice(15)}`;
  }
}
