import { type Event, eventSchema } from '@sealtrail/core';
import { createRecorder, type QueueingRecorder } from '../recorder.ts';
import type { Transport } from '../transport.ts';

/** A recorder whose events end here, each checked against the schema as the server would. */
export class Collector {
  readonly events: Event[] = [];
  readonly recorder: QueueingRecorder;
  #watchers: { readonly count: number; readonly resolve: () => void }[] = [];

  constructor() {
    const transport: Transport = async (batch) => {
      for (const { json } of batch) this.events.push(eventSchema.parse(JSON.parse(json)));
      this.#watchers = this.#watchers.filter(({ count, resolve }) => {
        if (this.events.length >= count) resolve();
        return this.events.length < count;
      });
      const outcomes = batch.map(({ id }, index) => ({ id, trail: 'main', index, leafHash: '' }));
      return { kind: 'answered', outcomes };
    };
    this.recorder = createRecorder({ transport, lingerMs: 0 });
  }

  /** The events so far, once there are `count`. */
  async got(count: number): Promise<readonly Event[]> {
    if (this.events.length < count) {
      await new Promise<void>((resolve) => this.#watchers.push({ count, resolve }));
    }
    return this.events;
  }
}
