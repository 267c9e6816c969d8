// The way of a record through the product, without its threads and files: mapped by its source, redacted, written as an
// entry, and seen by all built-in rules as the follower of the log sees it.
import { readdirSync, readFileSync } from 'node:fs';
import { createRedactor, entryText, eventSchema } from '@sealtrail/core';
import {
  CompiledRules,
  Detector,
  type DetectorInput,
  type EpisodeFinding,
  type LoadedCorrelation,
  type LoadedRule,
  loadRules,
} from '@sealtrail/core/sigma';
import { builtInSource, type LineClock, type Mapped } from '@sealtrail/core/sources';
import { inputOf } from '../../../packages/server/src/followers/detect/entry-views.ts';

const folder = new URL('../../../rules/', import.meta.url);
const loaded = loadRules(
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yml'))
    .sort()
    .map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') })),
);
if (loaded.faults.length > 0) throw new Error(`rules do not load: ${loaded.faults[0]!.message}`);
const compiled = new CompiledRules(loaded);
const redact = createRedactor();
const encoder = new TextEncoder();
/** Records are as old as they are: events are received together, later than all of them happened. */
const receivedAt = '2026-11-28T12:00:00.000Z';
const receivedMs = Date.parse(receivedAt);
const clock: LineClock = { latestMs: receivedMs, offsetMinutes: 0 };

/** Names of all built-in rules. */
export const ruleNames: ReadonlySet<string> = new Set(
  [...loaded.rules, ...loaded.correlations].map((rule) => nameOf(rule)),
);

/** What became of a record on its way to the rules. */
export type Taken =
  | { readonly input: DetectorInput }
  | { readonly skipped: true }
  | { readonly refused: string };

/** Takes one record of a source that has JSON. */
export const takeRecord = (source: string, record: object): Taken =>
  take(() => {
    const from = builtInSource(source)!;
    // What is delivered is text; these records hold one event each.
    return from.map(from.recordsIn(JSON.stringify(record))[0]!);
  });

/** Takes one line of a source that has lines. */
export const takeLine = (source: string, line: string): Taken =>
  take(() => builtInSource(source)!.mapLine(line, 0, clock));

function take(map: () => Mapped): Taken {
  let mapped: Mapped;
  try {
    mapped = map();
  } catch (error) {
    return { refused: (error as { readonly code: string }).code };
  }
  if (mapped.is === 'skipped') return { skipped: true };
  const event = eventSchema.parse(mapped.event);
  const defaults = { id: '00000000-0000-7000-8000-000000000000', nowMs: receivedMs, trail: 'main' };
  const entry = entryText(event, defaults);
  const redacted = redact(event, entry.text);
  const { text, receivedAt: at } = redacted === event ? entry : entryText(redacted, defaults);
  const whole = text.slice(0, at) + receivedAt + text.slice(at + receivedAt.length);
  return { input: inputOf(encoder.encode(whole), 0) };
}

/** A rule that found something, and for which group where it is a correlation. */
export interface Found {
  readonly rule: string;
  readonly level: string;
  /** Values of the group, or the client of a single event. */
  readonly about: readonly string[];
}

/** What all rules come to over some events. */
export interface Outcome {
  /** Rules that have a finding, as the product tells of them. */
  readonly findings: readonly Found[];
  /** Rules that match, also those that only feed others. */
  readonly matching: ReadonlySet<string>;
}

/** Runs all rules over events, in the order of their time. */
export function detect(inputs: readonly DetectorInput[]): Outcome {
  const matching = new Set<string>();
  const ordered = inputs.toSorted((a, b) => a.timeMs - b.timeMs);
  const detector = new Detector(compiled, {
    latenessMs: Number.POSITIVE_INFINITY,
    onMatch: (rule) => matching.add(nameOf(rule)),
  });
  const output = detector.take(ordered.map((input, index) => ({ ...input, index })));
  const episodes = [...output.episodes, ...detector.finish()];
  return {
    findings: [
      ...output.matches.map(({ rule, input }) => ({
        rule: nameOf(rule),
        level: levelOf(rule),
        about: clientOf(input),
      })),
      ...episodes
        .filter(({ episode }) => episode.mergedInto === undefined)
        .map(({ rule, group }: EpisodeFinding) => ({
          rule: nameOf(rule),
          level: levelOf(rule),
          about: group.values.map(String),
        })),
    ],
    matching,
  };
}

function nameOf({ key, document }: LoadedRule | LoadedCorrelation): string {
  return document.header.name ?? key;
}

const levelOf = ({ document }: LoadedRule | LoadedCorrelation): string => document.header.level ?? 'medium';

function clientOf(input: DetectorInput): readonly string[] {
  const { source } = input.views[0]!.event as { readonly source?: { readonly ip?: string } };
  return source?.ip === undefined ? [] : [source.ip];
}

/** Whether a level is one that somebody is to look at. */
export const isAlarm = (level: string): boolean => level !== 'informational';
