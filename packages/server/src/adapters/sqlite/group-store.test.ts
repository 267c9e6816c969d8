import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CompiledRules, Detector, type DetectorInput, loadRules } from '@sealtrail/core/sigma';
import { afterAll, describe, expect, it } from 'vitest';
import { SqliteGroupStore } from './group-store.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'sealtrail-groups-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = path.join(folder, 'groups.db');
const window = (n: number) => ({ episodes: [], held: [n] });

describe('SqliteGroupStore', () => {
  it('gives back what was put away, once', () => {
    using groups = new SqliteGroupStore(file);
    const store = groups.of('main');
    store.put('r', [
      { key: 'a', window: window(1), untilMs: 10 },
      { key: 'b', window: window(2), untilMs: Number.POSITIVE_INFINITY },
    ]);
    expect(store.peek('r', 'a')).toEqual(window(1));
    expect(store.take('r', 'a')).toEqual(window(1));
    expect([store.take('r', 'a'), store.take('other', 'b')]).toEqual([undefined, undefined]);
  });

  it('keeps detectors apart, and begins a new one with nothing', () => {
    using groups = new SqliteGroupStore(file);
    const main = groups.of('main');
    main.put('r', [{ key: 'a', window: window(1), untilMs: 10 }]);
    expect(groups.of('other').peek('r', 'a')).toBeUndefined();
    expect(main.peek('r', 'a')).toEqual(window(1));
    groups.of('main');
    expect(main.peek('r', 'a')).toBeUndefined();
  });

  it('drops what is over, so many at a time', () => {
    using groups = new SqliteGroupStore(file);
    const store = groups.of('main');
    store.put(
      'r',
      [3, 1, 2, 9].map((untilMs) => ({ key: `k${untilMs}`, window: window(1), untilMs })),
    );
    expect(store.dropUntil('r', 3, 2)).toEqual(['k1', 'k2']);
    expect(store.dropUntil('r', 3, 2)).toEqual(['k3']);
    expect(store.dropUntil('other', 9, 2)).toEqual([]);
  });

  it('does not care for what has its name, and leaves nothing behind', () => {
    writeFileSync(file, 'something else');
    const groups = new SqliteGroupStore(file);
    expect(existsSync(file)).toBe(true);
    groups[Symbol.dispose]();
    expect(existsSync(file)).toBe(false);
  });

  it('holds a flood of groups, behind which a slow attack is still found', () => {
    const text = `title: a
name: a
logsource: {product: sealtrail}
detection:
  selection: {action: a}
  condition: selection
---
title: slow
name: slow
correlation: {type: event_count, rules: [a], group-by: [who], timespan: 1d, condition: {gte: 3}}
`;
    using groups = new SqliteGroupStore(file);
    const rules = new CompiledRules(loadRules([{ name: 'test.yml', text }]));
    const spill = { store: groups.of('main'), maxGroups: 100 };
    const detector = new Detector(rules, { latenessMs: 1000, spill });
    const inputs = Array.from({ length: 9001 }, (_, index): DetectorInput => {
      const who = index % 4500 === 0 ? 'slow' : `flood_${index}`;
      const timeMs = index * 1000;
      return {
        views: [{ event: { action: 'a', who }, logsource: { product: 'sealtrail' } }],
        ...{ timeMs, receivedMs: timeMs, index, partition: '' },
      };
    });
    const found = [];
    for (let at = 0; at < inputs.length; at += 500)
      found.push(...detector.take(inputs.slice(at, at + 500)).episodes);
    expect(found.map(({ group, episode }) => [group.values, episode.peak])).toEqual([[['slow'], 3]]);
    expect(detector.groups).toBe(8999);
  });
});
