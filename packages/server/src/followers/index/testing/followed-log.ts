import { rmSync } from 'node:fs';
import { type Entry, type Filter, matches } from '@sealtrail/core';
import { OpenLog } from '../../../sequencer/testing/open-log.ts';
import { batchOfEvents, risingId, type Sent } from '../../../sequencer/testing/sent.ts';
import { temporaryFolder } from '../../../sequencer/testing/temporary-folder.ts';
import { EventIndex, type EventIndexOptions } from '../event-index.ts';

/** What a test says of an entry; the id comes by itself. */
export type Told = Omit<Sent, 'id'> & { readonly id?: string };

const firstMs = Date.UTC(2026, 0, 30);
const minuteMs = 60_000;

/** A real log in a folder of its own, with the plain way to search it: looking at every entry. */
export class FollowedLog implements Disposable {
  readonly #folder = temporaryFolder();
  readonly #log: OpenLog;
  #sent = 0;
  #nowMs: number = firstMs;

  constructor(...trails: string[]) {
    // A minute from entry to entry, so that receive times tell entries apart.
    this.#log = new OpenLog(this.#folder, {
      trails,
      now: () => {
        this.#nowMs += minuteMs;
        return this.#nowMs;
      },
    });
  }

  /** The folder of the index. */
  get dir(): string {
    return this.#folder.index;
  }

  get reader(): OpenLog['reader'] {
    return this.#log.reader;
  }

  /** Appends in one commit, which is told to indexes as the server does. */
  append(events: readonly Told[], ...indexes: readonly EventIndex[]): void {
    if (events.length === 0) return;
    const sent = events.map((event) => ({ ...event, id: event.id ?? risingId(this.#sent++) }));
    const { sizes } = this.#log.sequencer.append(batchOfEvents(...sent));
    for (const index of indexes) for (const [trail, size] of sizes) index.grew(trail, size);
  }

  /** An index of this log that has caught up. */
  async index(options: Partial<EventIndexOptions> = {}): Promise<EventIndex> {
    const index = EventIndex.open({ dir: this.dir, log: this.reader, segmentEntries: 7, ...options });
    await index.caughtUp();
    return index;
  }

  /** As if there had never been an index. */
  removeIndex(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Every entry of a trail, oldest first. */
  entries(trail: string): Entry[] {
    const decoder = new TextDecoder();
    return this.reader
      .entries(trail, 0, this.reader.size(trail))
      .map((bytes) => JSON.parse(decoder.decode(bytes)) as Entry);
  }

  /** What a search must find, newest first. */
  scan(trail: string, filter: Filter, tenants?: readonly string[]): { index: number; entry: Entry }[] {
    return this.entries(trail)
      .map((entry, index) => ({ index, entry }))
      .filter(({ entry }) => tenants === undefined || tenants.includes(entry.tenant ?? ''))
      .filter(({ entry }) => matches(filter, entry))
      .reverse();
  }

  [Symbol.dispose](): void {
    this.#log[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}

/** Indexes of all entries that an index finds, over as many pages as it takes. */
export function searchAll(
  index: EventIndex,
  trail: string,
  filter: Filter,
  {
    tenants,
    limit = 1000,
  }: { readonly tenants?: readonly string[] | undefined; readonly limit?: number } = {},
): number[] {
  const found: number[] = [];
  let cursor: string | undefined;
  do {
    const page = index.query({ trail, filter, tenants, limit, cursor, nowMs: 0 });
    found.push(...page.items.map((item) => item.index));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return found;
}
