import { type Condition, parseCondition } from './condition.ts';
import type { Correlation, CorrelationType } from './correlation.ts';
import { at } from './detection.ts';
import { entryOf, type LocatedMap } from './located.ts';
import { numberOf, textOf, textsOf } from './located-values.ts';
import { RuleError } from './rule-error.ts';
import { canHold } from './satisfiable.ts';
import { type Range, reachOf, type ThresholdOperator, thresholdOperators } from './threshold.ts';

/** What of a correlation its condition decides about. */
export type ConditionParts = Pick<
  Correlation,
  'condition' | 'threshold' | 'fields' | 'percentile' | 'kind' | 'rules'
>;

const isTemporal = (type: CorrelationType): boolean => type === 'temporal' || type === 'temporal_ordered';
const measuresValues = (type: CorrelationType): boolean => type.startsWith('value_');

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

/** Reads the condition of a correlation that Sigma has. @throws RuleError also for one that never holds */
export function readCondition(map: LocatedMap, type: CorrelationType): ConditionParts {
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
