import { all, type Filter, parseFilter } from '@sealtrail/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codeOf } from '../../testing/code-of.ts';
import type { EventIndex } from './event-index.ts';
import { FollowedLog, searchAll } from './testing/followed-log.ts';

const parse = (query: string): Filter => parseFilter(query, { nowMs: 0 });

test('pages neither skip nor repeat while entries arrive and segments are sealed', async () => {
  const step = fc.record({ add: fc.nat(12), wait: fc.boolean(), limit: fc.integer({ min: 1, max: 5 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('*', 'outcome:failure', '"wrong password"', '-"wrong password"', 'actor:u_1'),
      fc.integer({ min: 1, max: 40 }),
      fc.array(step, { minLength: 1, maxLength: 8 }),
      async (query, first, steps) => {
        using log = new FollowedLog('main', 'other');
        const add = (count: number, ...indexes: EventIndex[]): void =>
          log.append(
            Array.from({ length: count }, (_, i) => ({
              trail: i % 4 === 3 ? 'other' : 'main',
              outcome: i % 3 === 0 ? ('failure' as const) : ('success' as const),
              reason: ['wrong password', 'password wrong', 'expired'][i % 3]!,
              actor: { type: 'user' as const, id: `u_${i % 2}` },
            })),
            ...indexes,
          );
        add(first);
        await using index = await log.index();
        const filter = parse(query);
        const expected = log.scan('main', filter).map((found) => found.index);
        const found: number[] = [];
        let cursor: string | undefined;
        for (let i = 0; cursor !== undefined || i === 0; i++) {
          const { add: count, wait, limit } = steps[i % steps.length]!;
          const page = index.query({ trail: 'main', filter, limit, cursor, nowMs: 0 });
          expect(page.items.length).toBeLessThanOrEqual(limit);
          found.push(...page.items.map((item) => item.index));
          cursor = page.nextCursor ?? undefined;
          if (i < 20) add(count, index);
          if (wait) await index.caughtUp();
        }
        expect(found).toEqual(expected);
        await index.caughtUp();
        expect(searchAll(index, 'main', filter)).toEqual(
          log.scan('main', filter).map((entry) => entry.index),
        );
      },
    ),
    { numRuns: 40 },
  );
});

describe('a page', () => {
  test('holds the text of entries as the log has it', async () => {
    using log = new FollowedLog('main');
    log.append([{ reason: 'née "x"' }, { reason: 'b' }]);
    await using index = await log.index();
    const { items, indexedSize } = index.query({ trail: 'main', filter: all, limit: 9, nowMs: 0 });
    const bytes = log.reader.entries('main', 0, 2);
    expect(items.map(({ entry }) => entry)).toEqual(
      bytes.map((one) => Buffer.from(one).toString()).reverse(),
    );
    expect(indexedSize).toBe(2);
  });

  test('that is full to the last entry has no next one', async () => {
    using log = new FollowedLog('main');
    log.append([{}, {}]);
    await using index = await log.index();
    const page = index.query({ trail: 'main', filter: all, limit: 2, nowMs: 0 });
    expect(page.items).toHaveLength(2);
    expect(page.nextCursor).toBeNull();
  });

  test('does not go on from the cursor of another query or trail', async () => {
    using log = new FollowedLog('main', 'other');
    log.append([{}, {}, { trail: 'other' }]);
    await using index = await log.index();
    const ask = (trail: string, query: string, cursor?: string | null): string | null =>
      index.query({ trail, filter: parse(query), limit: 1, cursor: cursor ?? undefined, nowMs: 0 })
        .nextCursor;
    const cursor = ask('main', '*');
    expect(cursor).not.toBeNull();
    expect(codeOf(() => ask('other', '*', cursor))).toBe('invalid_cursor');
    expect(codeOf(() => ask('main', 'actor:u_1', cursor))).toBe('invalid_cursor');
    expect(codeOf(() => ask('main', '*', 'abc'))).toBe('invalid_cursor');
  });

  test('finds ids by their whole value, with a field and without', async () => {
    using log = new FollowedLog('main');
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    log.append([...Array(20).keys()].map((i) => ({ context: { traceId: i % 7 === 0 ? traceId : `t${i}` } })));
    await using index = await log.index();
    const expected = [14, 7, 0];
    expect(searchAll(index, 'main', parse(traceId))).toEqual(expected);
    expect(searchAll(index, 'main', parse(`traceId:${traceId}`))).toEqual(expected);
    expect(searchAll(index, 'main', parse(`-traceId:${traceId}`))).toHaveLength(17);
    const id = log.entries('main')[5]!.id;
    expect(searchAll(index, 'main', parse(id.toUpperCase()))).toEqual([5]);
    expect(searchAll(index, 'main', parse(`id:${id}`))).toEqual([5]);
  });
});

test('an unknown trail is told from an empty one', async () => {
  using log = new FollowedLog('main');
  await using index = await log.index();
  expect(searchAll(index, 'main', all)).toEqual([]);
  expect(codeOf(() => searchAll(index, 'none', all))).toBe('trail_not_found');
  expect(codeOf(() => index.stats({ trail: 'none', filter: all, limit: 1 }))).toBe('trail_not_found');
});

test('counting by what cannot be counted by is refused', async () => {
  using log = new FollowedLog('main');
  log.append([{}]);
  await using index = await log.index();
  for (const field of ['nothing', 'id', 'time', 'trail', 'context.requestId'])
    expect(codeOf(() => index.stats({ trail: 'main', filter: all, field, limit: 1 }))).toBe(
      'invalid_parameter',
    );
});
