// The way of a record through the product, without its threads and files: mapped by its source, redacted, written as an
// entry, and seen by all built-in rules as the follower of the log sees it.
import { readdirSync, readFileSync } from 'node:fs';
import { createRedactor, type ErrorCode, entryText, eventSchema } from '@sealtrail/core';
import {
  CompiledRules,
  Detector,
  type DetectorInput,
  type LoadedCorrelation,
  type LoadedRule,
  loadRules,
} from '@sealtrail/core/sigma';
import { builtInSource, type LineClock, type Mapped } from '@sealtrail/core/sources';
import { inputOf } from '../../../packages/server/src/followers/detect/entry-views.ts';

const folder = new URL('../../../rules/', import.meta.url);

interface BuiltIn {
  readonly compiled: CompiledRules;
  readonly parts: ReadonlyMap<string, readonly string[]>;
}
let loadedOnce: BuiltIn | undefined;

/** The rules of the repository, read when they are first asked for. */
function builtIn(): BuiltIn {
  loadedOnce ??= load();
  return loadedOnce;
}

function load(): BuiltIn {
  const loaded = loadRules(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.yml'))
      .sort()
      .map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') })),
  );
  if (loaded.faults.length > 0) throw new Error(`expected rules that load: ${loaded.faults[0]!.message}`);
  const byKey = new Map<string, LoadedRule | LoadedCorrelation>(
    [...loaded.rules, ...loaded.correlations].map((rule) => [rule.key, rule]),
  );
  const parts = [...byKey.values()].map(
    (rule) =>
      [nameOf(rule), 'rules' in rule ? rule.rules.map((key) => nameOf(byKey.get(key)!)) : []] as const,
  );
  return { compiled: new CompiledRules(loaded), parts: new Map(parts) };
}

const redact = createRedactor();
const encoder = new TextEncoder();
/** Records of any age are received together, later than all of them happened. */
const receivedAt = '2026-11-28T12:00:00.000Z';
const receivedMs = Date.parse(receivedAt);
const clock: LineClock = { latestMs: receivedMs, offsetMinutes: 0 };

const nameOf = ({ key, document }: LoadedRule | LoadedCorrelation): string => document.header.name ?? key;

/** All built-in rules: by name those that they are over, of rules over single events none. */
export const builtInRules = (): ReadonlyMap<string, readonly string[]> => builtIn().parts;

/** What became of a record on its way to the rules. */
export type Taken =
  | { readonly is: 'input'; readonly input: DetectorInput }
  /** It is not what the source is imported for. */
  | { readonly is: 'skipped' }
  | { readonly is: 'refused'; readonly code: ErrorCode };

/** Where sources have their time. */
const timeFields: Readonly<Record<string, object>> = {
  'aws-cloudtrail': { eventTime: '2024-06-01T10:00:00Z' },
  okta: { published: '2024-06-01T10:00:00Z' },
  'github-audit': { '@timestamp': Date.UTC(2024, 5, 1, 10) },
};

/** A record with a time in the place of its own: sources want one, and when it was is said by the test. */
export const withTime = (source: string, record: object): object => ({ ...record, ...timeFields[source] });

/** Takes one record of a source of JSON. */
export const takeRecord = (source: string, record: object): Taken =>
  take(() => {
    const from = builtInSource(source)!;
    // What is delivered is text, and none of these is an envelope of several.
    return from.map(from.recordsIn(JSON.stringify(record))[0]!);
  });

/** Takes one line of a source of lines. */
export const takeLine = (source: string, line: string): Taken =>
  take(() => builtInSource(source)!.mapLine(line, 0, clock));

function take(map: () => Mapped): Taken {
  let mapped: Mapped;
  try {
    mapped = map();
  } catch (error) {
    return { is: 'refused', code: (error as { readonly code: ErrorCode }).code };
  }
  if (mapped.is === 'skipped') return { is: 'skipped' };
  const event = eventSchema.parse(mapped.event);
  const defaults = { id: '00000000-0000-7000-8000-000000000000', nowMs: receivedMs, trail: 'main' };
  const entry = entryText(event, defaults);
  const redacted = redact(event, entry.text);
  const { text, receivedAt: at } = redacted === event ? entry : entryText(redacted, defaults);
  const whole = text.slice(0, at) + receivedAt + text.slice(at + receivedAt.length);
  return { is: 'input', input: inputOf(encoder.encode(whole), 0) };
}

/** A finding as the product tells of it. */
export interface Found {
  readonly rule: string;
  /** The address that the event came from; of a correlation the values of its group. */
  readonly about: readonly string[];
}

export interface Outcome {
  /** Findings of rules whose level is at least `low`. */
  readonly findings: readonly Found[];
  /** Rules that match, also those that only feed others. */
  readonly matching: ReadonlySet<string>;
}

/** Runs all built-in rules over events, in the order of their time. */
export function detect(inputs: readonly DetectorInput[]): Outcome {
  const matching = new Set<string>();
  const detector = new Detector(builtIn().compiled, {
    latenessMs: Number.POSITIVE_INFINITY,
    onMatch: (rule) => matching.add(nameOf(rule)),
  });
  const ordered = inputs.toSorted((a, b) => a.timeMs - b.timeMs);
  const { matches, episodes } = detector.take(ordered.map((input, index) => ({ ...input, index })));
  return {
    findings: [
      ...matches
        .filter(({ rule }) => isAlarm(rule))
        .map(({ rule, input }) => ({ rule: nameOf(rule), about: clientOf(input) })),
      ...[...episodes, ...detector.finish()]
        .filter(({ rule, episode }) => isAlarm(rule) && episode.mergedInto === undefined)
        .map(({ rule, group }) => ({ rule: nameOf(rule), about: group.values.map(String) })),
    ],
    matching,
  };
}

const isAlarm = ({ document }: LoadedRule | LoadedCorrelation): boolean =>
  document.header.level !== 'informational';

function clientOf(input: DetectorInput): readonly string[] {
  const { source } = input.views[0]!.event as { readonly source?: { readonly ip?: string } };
  return source?.ip === undefined ? [] : [source.ip];
}
