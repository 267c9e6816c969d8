import { type Condition, hasNot } from './condition.ts';
import type { Correlation } from './correlation.ts';
import { rangeOf } from './correlation-condition.ts';
import { lintOwnFields } from './lint-fields.ts';
import type { LoadedCorrelation, LoadedRule } from './load.ts';
import { canHold, holdsForNothing } from './satisfiable.ts';
import { reachOf } from './threshold.ts';

/** @param rules those over single events, by key */
export function lintCorrelation(
  { document, rules: keys }: LoadedCorrelation,
  rules: ReadonlyMap<string, LoadedRule>,
): string[] {
  const { correlation } = document;
  const found = [...lintThreshold(correlation), ...lintAliases(correlation)];
  if (new Set(keys).size < keys.length)
    found.push(
      correlation.type === 'temporal_ordered'
        ? 'it names a rule twice: that has to match as often, by different events'
        : 'it names a rule twice, which counts once',
    );
  for (const [i, key] of keys.entries()) {
    const rule = rules.get(key);
    if (rule) found.push(...lintOwnFields(rule.document.logsource, fieldsFor(correlation, i)));
  }
  if (correlation.groupBy.length === 0) found.push('there is no group-by: all events are one group');
  if (correlation.type === 'value_percentile' && correlation.percentile === undefined)
    found.push(
      'without percentile it measures how rare a value is: percent of the events that have the same one',
    );
  const { kind, fields, groupBy } = correlation;
  if (kind?.type === 'new_terms' && kind.againMs > 0 && !fields.every((field) => groupBy.includes(field)))
    found.push(
      `group-by does not have the field: beyond ${kind.remember} values of a group those gone for longest are forgotten`,
    );
  // Of a new value it is the history that is looked back at.
  if (correlation.timespanMs > 31 * 86_400_000 && correlation.type !== 'new_terms')
    found.push('the time span is longer than a month: what is known of each group is kept as long');
  return found;
}

/** The fields that a correlation looks at in matches of one of its rules. */
function fieldsFor({ groupBy, fields, aliases, rules }: Correlation, rule: number): readonly string[] {
  return [...groupBy, ...fields].map((name) => aliases.get(name)?.get(rules[rule]!) ?? name);
}

function lintThreshold(correlation: Correlation): string[] {
  const { condition, threshold } = correlation;
  if (condition !== undefined) return lintCondition(condition);
  const found: string[] = [];
  const { gt, gte, lt, lte, eq, neq } = threshold;
  const hasLower = gt !== undefined || gte !== undefined;
  const hasUpper = lt !== undefined || lte !== undefined;
  if (eq !== undefined || neq !== undefined || (hasLower && hasUpper))
    found.push(
      'eq, neq, and an upper bound beside a lower one are judged when a time span that began with an event has closed: it does not slide, so what lies in two of them is not found; gt or gte alone slides',
    );
  const range = rangeOf(correlation);
  if (range && reachOf(threshold, range) === 'none')
    found.push('the condition is never met: whole numbers are measured, and eq has a fraction');
  const isPlain = Object.keys(threshold).length === 1 && (gte === 1 || gt === 0);
  if (range && !isPlain && reachOf(threshold, range) === 'all')
    found.push('whatever is measured meets the condition: any match of the rules is a finding');
  return found;
}

function lintCondition(condition: Condition): string[] {
  if (!canHold({ op: 'not', part: condition })) return ['the condition always holds'];
  if (hasNot(condition) && holdsForNothing(condition))
    return [
      'the condition holds where none of its rules has matched; it is judged only after a match of one of them',
    ];
  return [];
}

function lintAliases({ aliases, groupBy, fields, rules }: Correlation): string[] {
  return [...aliases].flatMap(([alias, byRule]) => {
    const name = alias.slice(0, 64);
    if (!groupBy.includes(alias) && !fields.includes(alias))
      return [`neither group-by nor the condition uses the alias ${name}`];
    return rules
      .filter((rule) => !byRule.has(rule))
      .map((rule) => `the alias ${name} says nothing of the rule ${rule.slice(0, 64)}: there it is a field`);
  });
}
