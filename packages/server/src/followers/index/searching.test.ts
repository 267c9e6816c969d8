import { fields } from '@sealtrail/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyEntry } from '../../../../core/src/query/testing/any-entry.ts';
import { anyFilter } from '../../../../core/src/query/testing/any-filter.ts';
import { countPlainly } from './testing/count-plainly.ts';
import { FollowedLog, searchAll, type Told } from './testing/followed-log.ts';

const trails = ['alpha', 'beta', 'gamma'] as const;

const someEvents = fc.uniqueArray(
  fc.tuple(anyEntry(), fc.constantFrom(...trails)).map(([entry, trail]) => ({ ...entry, trail }) as Told),
  { minLength: 1, maxLength: 60, selector: ({ id }) => id },
);

const countable = fields
  .filter(({ kind, unique, name }) => kind !== 'time' && !unique && name !== 'trail')
  .map(({ name }) => name);

const tenants = fc.option(fc.subarray(['acme', 'globex', 'initech']), { nil: undefined, freq: 2 });

test('search finds what a look at every entry finds, whatever is asked', async () => {
  await fc.assert(
    fc.asyncProperty(
      someEvents,
      fc.integer({ min: 7, max: 50 }),
      fc.array(fc.tuple(fc.constantFrom(...trails), anyFilter(), tenants), { minLength: 30, maxLength: 30 }),
      async (events, segmentEntries, questions) => {
        using log = new FollowedLog(...trails);
        log.append(events);
        await using index = await log.index({ segmentEntries });
        for (const [trail, filter, within] of questions) {
          const expected = log.scan(trail, filter, within).map((found) => found.index);
          expect(searchAll(index, trail, filter, { tenants: within })).toEqual(expected);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('statistics count what a look at every entry counts', async () => {
  const field = fc.option(fc.constantFrom(...countable, 'metadata.a', 'metadata.plan', 'metadata.a.b'), {
    nil: undefined,
  });
  const asked = fc.record({
    field,
    limit: fc.constantFrom(1, 3, 1000),
    intervalMs: fc.constantFrom(undefined, 1000, 60_000, 3_600_000, 86_400_000),
  });
  await fc.assert(
    fc.asyncProperty(
      someEvents,
      fc.integer({ min: 7, max: 50 }),
      fc.array(fc.tuple(fc.constantFrom(...trails), anyFilter(), tenants, asked), {
        minLength: 20,
        maxLength: 20,
      }),
      async (events, segmentEntries, questions) => {
        using log = new FollowedLog(...trails);
        log.append(events);
        await using index = await log.index({ segmentEntries });
        for (const [trail, filter, within, what] of questions) {
          const entries = log.scan(trail, filter, within).map(({ entry }) => entry);
          expect(index.stats({ trail, filter, tenants: within, ...what })).toEqual({
            ...countPlainly(entries, what),
            indexedSize: log.entries(trail).length,
          });
        }
      },
    ),
    { numRuns: 40 },
  );
});
