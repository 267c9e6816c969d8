import type { Condition } from './condition.ts';
import { type ConditionParts, readCondition } from './correlation-condition.ts';
import { at } from './detection.ts';
import { type KindSettings, type KindType, kindTypes, readKind } from './kinds.ts';
import { entryOf, type Located, type LocatedMap } from './located.ts';
import { textOf, textsOf } from './located-values.ts';
import { type Position, RuleError } from './rule-error.ts';
import type { Threshold } from './threshold.ts';
import { parseTimespan } from './timespan.ts';

export const correlationTypes = [
  'event_count',
  'value_count',
  'temporal',
  'temporal_ordered',
  'value_sum',
  'value_avg',
  'value_percentile',
  'value_median',
  ...kindTypes,
] as const;
export type CorrelationType = (typeof correlationTypes)[number];

/** A correlation as written: how many, which and in what order matches of other rules within a time belong together. */
export interface Correlation {
  readonly type: CorrelationType;
  /** Ids or names of the rules. */
  readonly rules: readonly string[];
  /** Fields, or aliases, whose values make a group; none: all events are one group. */
  readonly groupBy: readonly string[];
  readonly timespanMs: number;
  readonly threshold: Threshold;
  /** Fields, or aliases, whose values are measured. */
  readonly fields: readonly string[];
  readonly percentile: number | undefined;
  /** For `temporal`: which of the rules must have matched, and which not; absent: all of them. */
  readonly condition: Condition | undefined;
  /** For the types that Sigma does not have: what the condition says beyond fields and threshold. */
  readonly kind: KindSettings | undefined;
  /** By alias: the field that it stands for, by rule. */
  readonly aliases: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Whether matches of the rules are findings on their own as well. */
  readonly generate: boolean;
}

const isKind = (type: CorrelationType): type is KindType => kindTypes.some((name) => name === type);
const known = new Set(['type', 'rules', 'group-by', 'timespan', 'condition', 'aliases', 'generate']);

/** Where in its file stands what other rules decide about. */
export interface CorrelationPlaces {
  /** Of each rule; none where the condition names them. */
  readonly rules: readonly Position[];
  readonly groupBy: readonly Position[];
  readonly fields: readonly Position[];
}

/** The places in the part `correlation` of a rule. */
export function placesIn(map: LocatedMap): CorrelationPlaces {
  const condition = entryOf(map, 'condition')?.value;
  return {
    rules: placesOf(entryOf(map, 'rules')?.value),
    groupBy: placesOf(entryOf(map, 'group-by')?.value),
    fields: placesOf(condition?.kind === 'map' ? entryOf(condition, 'field')?.value : undefined),
  };
}

const placesOf = (located: Located | undefined): Position[] =>
  (located?.kind === 'list' ? located.items : located ? [located] : []).map(({ line, column }) => ({
    line,
    column,
  }));

/** Reads the part `correlation` of a rule. @throws RuleError */
export function parseCorrelation(map: LocatedMap): Correlation {
  const stranger = map.entries.find(({ key }) => !known.has(key));
  if (stranger)
    throw new RuleError(`a correlation has no key ${stranger.key.slice(0, 64)}`, stranger.keyPosition);
  const type = oneOf(needed(map, 'type'), correlationTypes);
  const timespan = needed(map, 'timespan');
  const groupBy = entryOf(map, 'group-by');
  const timespanMs = at(timespan, () => parseTimespan(textOf(timespan)));
  const { rules, ...condition } = isKind(type) ? readKindOf(map, type, timespanMs) : readCondition(map, type);
  return {
    type,
    rules,
    groupBy: groupBy ? textsOf(groupBy.value) : [],
    timespanMs,
    ...condition,
    aliases: readAliases(map, rules),
    generate: readGenerate(map),
  };
}

/** What is about all findings names no rules, all else does. */
function readKindOf(map: LocatedMap, type: KindType, timespanMs: number): ConditionParts {
  const listed = entryOf(map, 'rules');
  if (type === 'risk') {
    const odd = listed ?? entryOf(map, 'generate') ?? entryOf(map, 'aliases');
    if (odd) throw new RuleError(`risk is over all findings: it has no ${odd.key}`, odd.keyPosition);
    if (!entryOf(map, 'group-by')) throw new RuleError('expected group-by: whose risk it is', map);
  } else if (!listed) throw new RuleError('expected the rules of the correlation', map);
  const nothing = { condition: undefined, percentile: undefined };
  return { ...nothing, rules: listed ? textsOf(listed.value) : [], ...readKind(type, map, timespanMs) };
}

function readAliases(map: LocatedMap, rules: readonly string[]): Correlation['aliases'] {
  const entry = entryOf(map, 'aliases');
  if (!entry) return new Map();
  if (entry.value.kind !== 'map') throw new RuleError('expected a map of aliases', entry.value);
  const known = new Set(rules);
  return new Map(
    entry.value.entries.map(({ key, value }) => {
      if (value.kind !== 'map') throw new RuleError('expected the field of each rule', value);
      return [
        key,
        new Map(
          value.entries.map(({ key: rule, keyPosition, value: field }) => {
            if (!known.has(rule))
              throw new RuleError(`the correlation has no rule ${rule.slice(0, 64)}`, keyPosition);
            return [rule, textOf(field)];
          }),
        ),
      ];
    }),
  );
}

function readGenerate(map: LocatedMap): boolean {
  const value = entryOf(map, 'generate')?.value;
  if (value === undefined) return false;
  if (value.kind !== 'scalar' || typeof value.value !== 'boolean')
    throw new RuleError('expected true or false', value);
  return value.value;
}

function needed(map: LocatedMap, key: string): Located {
  const entry = entryOf(map, key);
  if (!entry) throw new RuleError(`expected ${key}`, map);
  return entry.value;
}

function oneOf<T extends string>(located: Located, names: readonly T[]): T {
  const text = textOf(located);
  const found = names.find((name) => name === text);
  if (found === undefined) throw new RuleError(`expected one of ${names.join(', ')}`, located);
  return found;
}
