import { type Condition, parseCondition } from './condition.ts';
import { at } from './detection.ts';
import { type KindSettings, type KindType, kindTypes, readKind } from './kinds.ts';
import { entryOf, type Located, type LocatedMap } from './located.ts';
import { type Position, RuleError } from './rule-error.ts';
import { canHold } from './satisfiable.ts';
import {
  type Range,
  reachOf,
  type Threshold,
  type ThresholdOperator,
  thresholdOperators,
} from './threshold.ts';
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

const isTemporal = (type: CorrelationType): boolean => type === 'temporal' || type === 'temporal_ordered';
const measuresValues = (type: CorrelationType): boolean => type.startsWith('value_');
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

/** What can be measured by a type; undefined where it is no number that a threshold is about. */
export function rangeOf({
  type,
  rules,
  percentile,
  condition,
}: Pick<Correlation, 'type' | 'rules' | 'percentile' | 'condition'>): Range | undefined {
  const anything = Number.POSITIVE_INFINITY;
  switch (type) {
    // Windows are those of events: there is one at the least.
    case 'event_count':
    case 'value_count':
      return { isWhole: true, least: 1, most: anything };
    case 'temporal':
    case 'temporal_ordered':
      return condition === undefined ? { isWhole: true, least: 1, most: rules.length } : undefined;
    case 'value_percentile':
      // Without a percentile it is a share of events, in percent.
      return percentile === undefined
        ? { isWhole: false, least: Number.MIN_VALUE, most: 100 }
        : { isWhole: false, least: -anything, most: anything };
    case 'value_sum':
    case 'value_avg':
    case 'value_median':
      return { isWhole: false, least: -anything, most: anything };
    default:
      return undefined;
  }
}

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

type ConditionParts = Pick<
  Correlation,
  'condition' | 'threshold' | 'fields' | 'percentile' | 'kind' | 'rules'
>;

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

function readCondition(map: LocatedMap, type: CorrelationType): ConditionParts {
  const entry = entryOf(map, 'condition');
  const listed = entryOf(map, 'rules');
  const rules = listed ? textsOf(listed.value) : [];
  const nothing = { fields: [], percentile: undefined, condition: undefined, kind: undefined };
  if (!entry) {
    if (!isTemporal(type)) throw new RuleError('expected a condition', map);
    if (rules.length === 0) throw new RuleError('expected the rules of the correlation', map);
    return { ...nothing, rules, threshold: { gte: rules.length } };
  }
  if (entry.value.kind === 'scalar') {
    const written = textOf(entry.value);
    if (!isTemporal(type))
      throw new RuleError('only temporal and temporal_ordered take a condition that is a text', entry.value);
    return { ...nothing, ...at(entry.value, () => namedCondition(written, rules)), threshold: {} };
  }
  if (entry.value.kind !== 'map') throw new RuleError('expected a map such as gte: 5', entry.value);
  if (rules.length === 0) throw new RuleError('expected the rules of the correlation', map);
  const read = { condition: undefined, kind: undefined, rules, ...readThreshold(entry.value, type) };
  const range = rangeOf({ type, ...read })!;
  // Other engines take such rules, so a fraction is for the linter to speak of.
  const isWhole = range.isWhole && Number.isInteger(read.threshold.eq ?? 0);
  if (reachOf(read.threshold, { ...range, isWhole }) === 'none')
    throw new RuleError(`the condition never holds: ${type} measures ${textOfRange(range)}`, entry.value);
  return read;
}

function textOfRange({ isWhole, least, most }: Range): string {
  if (isWhole)
    return `whole numbers from ${least}${most === Number.POSITIVE_INFINITY ? ' on' : ` to ${most}`}`;
  return Number.isFinite(most)
    ? `shares above 0, and up to ${most} percent`
    : 'one number, which meets all of it';
}

/** A condition over names of rules; without a list of rules they are those that it names. */
function namedCondition(text: string, listed: readonly string[]): Pick<Correlation, 'condition' | 'rules'> {
  const words = new Set(
    (text.match(/[A-Za-z0-9_*-]+/g) ?? []).filter(
      (word) => !['and', 'or', 'not'].includes(word.toLowerCase()),
    ),
  );
  const rules = listed.length > 0 ? listed : [...words];
  const unused = rules.find((name) => !words.has(name));
  if (unused !== undefined) throw new RuleError(`the condition does not use the rule ${unused}`);
  const condition = parseCondition(text, rules);
  // A window begins with a match of one of them.
  const any: Condition = { op: 'or', parts: rules.map((name) => ({ op: 'is', name })) };
  if (!canHold({ op: 'and', parts: [any, condition] }))
    throw new RuleError('the condition never holds: it contradicts itself, or asks for no match of any rule');
  return { rules, condition };
}

function readThreshold(
  map: LocatedMap,
  type: CorrelationType,
): Pick<Correlation, 'threshold' | 'fields' | 'percentile'> {
  const threshold: Partial<Record<ThresholdOperator, number>> = {};
  let fields: readonly string[] = [];
  let percentile: number | undefined;
  for (const { key, keyPosition, value } of map.entries) {
    const operator = thresholdOperators.find((name) => name === key);
    if (operator) threshold[operator] = numberOf(value);
    else if (key === 'field' && measuresValues(type)) fields = textsOf(value);
    else if (key === 'percentile' && type === 'value_percentile') percentile = numberOf(value);
    else throw new RuleError(`the condition of ${type} has no key ${key.slice(0, 64)}`, keyPosition);
  }
  if (Object.keys(threshold).length === 0)
    throw new RuleError(`expected one of ${thresholdOperators.join(', ')}`, map);
  if (measuresValues(type) && fields.length === 0) throw new RuleError('expected the field to measure', map);
  if (type !== 'value_count' && fields.length > 1) throw new RuleError('expected one field to measure', map);
  if (percentile !== undefined && !(percentile >= 0 && percentile <= 100))
    throw new RuleError('expected a percentile from 0 to 100', map);
  return { threshold, fields, percentile };
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

function textOf(located: Located): string {
  if (located.kind !== 'scalar' || typeof located.value !== 'string' || located.value === '')
    throw new RuleError('expected a text', located);
  return located.value;
}

function textsOf(located: Located): string[] {
  const items = located.kind === 'list' ? located.items : [located];
  if (items.length === 0) throw new RuleError('expected at least one', located);
  return items.map(textOf);
}

function numberOf(located: Located): number {
  if (located.kind !== 'scalar' || typeof located.value !== 'number')
    throw new RuleError('expected a number', located);
  return located.value;
}
