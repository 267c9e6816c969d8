// Events of panther-analysis, each labelled as one that a detection is to find or is not to find.
import { records } from './corpus.ts';
import { detectionIntents, type Intent } from './detection-intents.ts';
import { builtInRules, detect, type Taken, takeRecord, withTime } from './pipeline.ts';

/** The sources that are measured, by the name that the labels have for them, with the beginning of their rules' names. */
export const sources = {
  'AWS.CloudTrail': { title: 'AWS CloudTrail', source: 'aws-cloudtrail', pack: 'aws_' },
  'Okta.SystemLog': { title: 'Okta System Log', source: 'okta', pack: 'okta_' },
  'GitHub.Audit': { title: 'GitHub audit log', source: 'github-audit', pack: 'github_' },
} as const;

export type SourceName = keyof typeof sources;

interface LabelledEvent {
  readonly id: string;
  readonly rule_id: string;
  readonly test: string;
  readonly expected: boolean;
  readonly uses_mocks: boolean;
  readonly log_types: readonly string[] | null;
  readonly event: { readonly p_log_type?: string };
}
interface Detection {
  readonly rule_id: string;
  readonly threshold: number | null;
}

/** Why rules that look for something did not find it. */
export type MissKind = 'no rule' | 'refused' | 'one event' | 'otherwise';

export interface LabelledResult {
  readonly id: string;
  readonly detection: string;
  readonly test: string;
  readonly source: SourceName;
  readonly expected: boolean;
  readonly intent: Intent;
  /** Whether a rule that looks for it found it. */
  readonly foundAsMeant: boolean;
  /** Rules of the source's own pack with a finding, and all others. */
  readonly ownRules: readonly string[];
  readonly otherRules: readonly string[];
  /** Of what is to be found and was not. */
  readonly miss: MissKind | undefined;
}

export interface LabelledEvents {
  readonly results: readonly LabelledResult[];
  /** Events that are labelled with the help of made-up lists and memories: left out. */
  readonly withMocks: number;
}

/** Runs all rules over every labelled event. */
export function labelledEvents(): LabelledEvents {
  const thresholds = new Map(
    records<Detection>('03-panther-labelled-events/rules.jsonl').map((one) => [one.rule_id, one.threshold]),
  );
  const results: LabelledResult[] = [];
  let withMocks = 0;
  for (const labelled of records<LabelledEvent>('03-panther-labelled-events/tests.jsonl')) {
    const source = sourceOf(labelled);
    if (source === undefined) continue;
    if (labelled.uses_mocks) withMocks++;
    else results.push(resultOf(labelled, source, thresholds.get(labelled.rule_id) ?? 1));
  }
  return { results, withMocks };
}

function sourceOf({ log_types, event }: LabelledEvent): SourceName | undefined {
  const name = log_types?.length === 1 ? log_types[0] : event.p_log_type;
  return name !== undefined && Object.hasOwn(sources, name) ? (name as SourceName) : undefined;
}

function resultOf(labelled: LabelledEvent, source: SourceName, threshold: number): LabelledResult {
  const { id, rule_id: detection, test, expected, event } = labelled;
  const intent = detectionIntents[detection];
  if (intent === undefined) throw new Error(`expected to know what ${detection} looks for`);
  const taken = takeRecord(sources[source].source, timed(sources[source].source, event));
  const { rules, matching } = found(taken, threshold);
  const meant = typeof intent === 'string' ? [] : intent;
  const foundAsMeant = meant.some((rule) => rules.has(rule));
  const isOwn = (rule: string): boolean => rule.startsWith(sources[source].pack);
  return {
    ...{ id, detection, test, source, expected, intent, foundAsMeant },
    ownRules: [...rules].filter(isOwn),
    otherRules: [...rules].filter((rule) => !isOwn(rule)),
    miss: !expected || foundAsMeant ? undefined : missKind(taken, meant, matching),
  };
}

/** Their authors leave times out that their detections do not look at; products do not. */
const timed = (source: string, event: object): object =>
  ['eventTime', 'published', '@timestamp', 'created_at'].some((field) => field in event)
    ? event
    : withTime(source, event);

/** A detection that speaks after so many events is given as many, a second apart. */
function found(
  taken: Taken,
  threshold: number,
): { readonly rules: ReadonlySet<string>; readonly matching: ReadonlySet<string> } {
  if (taken.is !== 'input') return { rules: new Set(), matching: new Set() };
  const { input } = taken;
  const inputs = Array.from({ length: Math.max(threshold, 1) }, (_, n) => ({
    ...input,
    timeMs: input.timeMs + n * 1000,
  }));
  const { findings, matching } = detect(inputs);
  return { rules: new Set(findings.map(({ rule }) => rule)), matching };
}

function missKind(taken: Taken, meant: readonly string[], matching: ReadonlySet<string>): MissKind {
  if (meant.length === 0) return 'no rule';
  if (taken.is === 'refused') return 'refused';
  const feeds = meant.flatMap((rule) => builtInRules().get(rule) ?? []);
  return feeds.some((rule) => matching.has(rule)) ? 'one event' : 'otherwise';
}

/** How often what was found was to be found, and how much of it was found. */
export interface Rates {
  readonly truePositives: number;
  readonly positives: number;
  readonly falsePositives: number;
  readonly negatives: number;
}

/** Rates by some measure of what it is that counts as found. */
export function ratesOf(
  results: readonly LabelledResult[],
  isFound: (result: LabelledResult) => boolean,
): Rates {
  const positives = results.filter(({ expected }) => expected);
  const negatives = results.filter(({ expected }) => !expected);
  return {
    truePositives: positives.filter(isFound).length,
    positives: positives.length,
    falsePositives: negatives.filter(isFound).length,
    negatives: negatives.length,
  };
}

export const recall = ({ truePositives, positives }: Rates): number => truePositives / positives;
export const precision = ({ truePositives, falsePositives }: Rates): number =>
  truePositives / (truePositives + falsePositives);

/** What counts as found. */
export const measures = {
  asMeant: ({ foundAsMeant }: LabelledResult): boolean => foundAsMeant,
  byOwnRules: ({ ownRules }: LabelledResult): boolean => ownRules.length > 0,
  byAnyRule: ({ ownRules, otherRules }: LabelledResult): boolean => ownRules.length + otherRules.length > 0,
} as const;

/** Those of which something is looked for here. */
export const isLookedFor = ({ intent }: LabelledResult): boolean => typeof intent !== 'string';
