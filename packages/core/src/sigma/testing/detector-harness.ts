import fc from 'fast-check';
import { expect } from 'vitest';
import type { CompiledRules } from '../compiled-rules.ts';
import { Detector, type DetectorInput, type EpisodeFinding, type SavedDetector } from '../detector.ts';
import { type LoadedRules, loadRules } from '../load.ts';
import type { Locate } from '../locate.ts';
import type { PlainEpisode } from './brute-force.ts';
import { MemoryGroupStore } from './memory-group-store.ts';

export const latenessMs = 20_000;
export const spanMs = 10_000;

export const base = (name: string): string => `
title: ${name}
name: ${name}
logsource: {product: test}
detection:
  selection: {kinds: ${name}}
  condition: selection
---`;

/** A correlation over some of the rules a, b and c, as YAML. */
export const correlation = (body: string): string =>
  `${['a', 'b', 'c'].map(base).join('')}
title: correlation
name: correlation
correlation:
  group-by: [who]
  timespan: 10s
${body}
`;

export function load(text: string): LoadedRules {
  const loaded = loadRules([{ name: 'test.yml', text }]);
  expect(loaded.faults).toEqual([]);
  return loaded;
}

export interface Sent {
  readonly timeMs: number;
  /** Absent: nobody knows. */
  readonly receivedMs?: number;
  readonly who: string;
  readonly kinds: readonly string[];
  readonly value: string | number;
}

export const inputsOf = (sent: readonly Sent[]): DetectorInput[] =>
  sent.map(({ timeMs, receivedMs = Number.MAX_SAFE_INTEGER, ...event }, index) => ({
    views: [{ event, logsource: { product: 'test' } }],
    ...{ timeMs, receivedMs, index, partition: '' },
  }));

/** Keeps the state of a detector as a store would: as text, groups by key. */
export class KeptState {
  #watermarkMs: number | null = null;
  #waiting: SavedDetector['waiting'] = [];
  readonly #groups: Map<string, Map<string, string>> = new Map();

  keep({ watermarkMs, waiting, correlators }: ReturnType<Detector['takeChanges']>): void {
    this.#watermarkMs = watermarkMs;
    this.#waiting = waiting;
    for (const [rule, { groups, gone }] of correlators) {
      const known = this.#groups.get(rule) ?? new Map<string, string>();
      for (const key of gone) known.delete(key);
      for (const [key, window] of groups) known.set(key, JSON.stringify(window));
      this.#groups.set(rule, known);
    }
  }

  saved(): SavedDetector {
    const correlators = [...this.#groups].map(
      ([rule, groups]) =>
        [rule, { groups: [...groups].map(([key, window]) => [key, JSON.parse(window)] as const) }] as const,
    );
    return { watermarkMs: this.#watermarkMs, waiting: this.#waiting, correlators: new Map(correlators) };
  }
}

/** How events are cut into batches, over and over; after those that are marked the detector is stopped and loaded. */
export type Cuts = readonly { readonly size: number; readonly stops: boolean }[];

/** What a detector says of episodes, by their names, as it said last. */
function said(
  rules: CompiledRules,
  sent: readonly Sent[],
  batches: Cuts,
  locate: Locate | undefined,
  maxGroups?: number,
): Map<string, EpisodeFinding> {
  const started = (): Detector => {
    const spill = maxGroups === undefined ? undefined : { store: new MemoryGroupStore(), maxGroups };
    return new Detector(rules, { latenessMs, locate, spill });
  };
  let detector = started();
  const states = new Map<string, EpisodeFinding>();
  const note = (findings: readonly EpisodeFinding[]): void => {
    for (const finding of findings) {
      const { group, episode, rule } = finding;
      const key = JSON.stringify([rule.key, group, episode.raisedAt, episode.raisedMs, episode.value]);
      // Whether those over it were told is of the detector at hand.
      const { isFired: _, ...told } = episode;
      states.set(key, { ...finding, episode: told });
    }
  };
  const inputs = inputsOf(sent);
  const kept = new KeptState();
  for (let i = 0, at = 0; at < inputs.length; i++) {
    const { size, stops } = batches[i % batches.length]!;
    const { episodes, late } = detector.take(inputs.slice(at, at + size));
    expect(late).toBe(0);
    note(episodes);
    at += size;
    if (!stops) continue;
    kept.keep(detector.takeChanges());
    detector = started();
    const saved = kept.saved();
    detector.load(saved);
    for (const [from, to] of saved.waiting) detector.refill(inputs.slice(from, to));
  }
  note(detector.finish());
  return states;
}

/**
 * What a detector comes to, by group. All that it says is held against what it says when it sees one event after the other
 * and holds all groups: none of it may depend on batches, on stops, or on where groups are.
 */
export function detect(
  rules: CompiledRules,
  sent: readonly Sent[],
  batches: Cuts,
  locate?: Locate,
): Map<string, PlainEpisode[]> {
  const states = said(rules, sent, batches, locate, 1);
  const oneByOne = said(rules, sent, [{ size: 1, stops: false }], locate);
  expect(saidOf(states)).toEqual(saidOf(oneByOne));
  const found = new Map<string, PlainEpisode[]>();
  for (const { group, episode, rule } of states.values()) {
    if (episode.mergedInto !== undefined || rule.key !== 'correlation') continue;
    const key = String(group.values[0]);
    const list = found.get(key) ?? [];
    list.push([episode.startMs, episode.endMs, episode.peak, episode.lastMs]);
    found.set(
      key,
      list.sort(([a], [b]) => a - b),
    );
  }
  return found;
}

/** Episodes by their names, each with the name of the one that it was merged into. */
const saidOf = (states: ReadonlyMap<string, EpisodeFinding>): unknown =>
  new Map(
    [...states].map(([name, { episode }]) => {
      const { mergedInto, ...told } = episode;
      return [name, { ...told, into: mergedInto && [mergedInto.raisedAt, mergedInto.raisedMs] }];
    }),
  );

const someValue = fc.constantFrom<string | number>(1, 2, 3, 'v', 'w', 8);

/** Events in the order in which they come: at most the lateness behind. Times are in seconds. */
export const streamsOf = (value: fc.Arbitrary<string | number>): fc.Arbitrary<Sent[]> =>
  fc
    .array(
      fc.record({
        at: fc.nat(60),
        delay: fc.nat(19),
        who: fc.constantFrom('x', 'y'),
        kinds: fc.subarray(['a', 'b', 'c'], { minLength: 1 }),
        value,
      }),
      // Otherwise ten at the most.
      { maxLength: 60, size: 'max' },
    )
    .map((events) =>
      events
        .map((event, i) => ({ ...event, i }))
        .sort((a, b) => a.at + a.delay - (b.at + b.delay) || a.i - b.i)
        .map(({ at, who, kinds, value }): Sent => ({ timeMs: at, who, kinds, value })),
    );
export const streams: fc.Arbitrary<Sent[]> = streamsOf(someValue);
export const cuts: fc.Arbitrary<Cuts> = fc.array(
  fc.record({ size: fc.integer({ min: 1, max: 9 }), stops: fc.boolean() }),
  {
    minLength: 1,
    maxLength: 7,
  },
);
