import { existsSync } from 'node:fs';
import path from 'node:path';
import { compileFilter, type Entry } from '@sealtrail/core';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { anyEntry } from '../../../../core/src/query/testing/any-entry.ts';
import { anyFilter } from '../../../../core/src/query/testing/any-filter.ts';
import type { LogReader } from '../../ports.ts';
import { temporaryFolder } from '../../sequencer/testing/temporary-folder.ts';
import { EventIndex } from './event-index.ts';
import { countPlainly } from './testing/count-plainly.ts';
import { searchAll } from './testing/followed-log.ts';

const trail = 'main';

/** A log in memory: as many commits to a real one would take too long. */
function memoryLog(entries: readonly Entry[]): LogReader {
  const bytes = entries.map((entry) => new TextEncoder().encode(JSON.stringify(entry)));
  return {
    trails: () => [{ name: trail, size: bytes.length }],
    size: () => bytes.length,
    entries: (_trail, from, to) => bytes.slice(from, to),
    [Symbol.dispose]: () => {},
  };
}

function someEntries(count: number): Entry[] {
  // Few different ones many times over, in changing order, and one thing that is different in each.
  const kinds = fc.sample(anyEntry(), { numRuns: 300, seed: 7 });
  return Array.from({ length: count }, (_, i) => ({
    ...kinds[(i * 101 + (i >>> 5)) % kinds.length]!,
    producer: { id: `p-${i}`, seq: i },
    receivedAt: new Date(Date.UTC(2026, 1, 1) + i).toISOString(),
    trail,
  }));
}

test('segments with thousands of entries and terms answer as a look at every entry does', async () => {
  using folder = temporaryFolder();
  const entries = someEntries(11_000);
  const log = memoryLog(entries);
  // Pages end as soon as they may.
  await using index = EventIndex.open({ dir: folder.index, log, segmentEntries: 5000, maxQueryMs: 0 });
  await index.caughtUp();
  await vi.waitUntil(() => existsSync(path.join(folder.index, 'seg-00000002.db')));
  const parsed = entries.map((entry) => JSON.parse(JSON.stringify(entry)) as Entry);
  for (const filter of fc.sample(anyFilter(), { numRuns: 150, seed: 8 })) {
    const matches = compileFilter(filter);
    const found = parsed.flatMap((entry, i) => (matches(entry) ? [i] : []));
    expect(searchAll(index, trail, filter)).toEqual(found.toReversed());
    const what = {
      field: ['producer.id', 'action', 'reason'][found.length % 3]!,
      limit: 5,
      intervalMs: 3_600_000,
    };
    expect(index.stats({ trail, filter, ...what })).toEqual({
      ...countPlainly(
        found.map((i) => parsed[i]!),
        what,
      ),
      indexedSize: entries.length,
    });
  }
});
