import type { LoadedCorrelation, LoadedRule, LoadedRules } from './load.ts';
import type { Pattern } from './pattern.ts';
import { itemsOf } from './rule-fields.ts';
import type { DetectionItem, RuleValue } from './values.ts';
import { witnessOf } from './witness.ts';

/** Something that is legal and probably not what its author means. */
export interface Lint {
  readonly rule: string;
  readonly message: string;
}

/** Looks for the mistakes that authors of rules are known to make. */
export function lintRules({ rules, correlations }: LoadedRules): readonly Lint[] {
  return [
    ...rules.flatMap((rule) => lintRule(rule).map((message) => ({ rule: rule.key, message }))),
    ...correlations.flatMap((rule) => lintCorrelation(rule).map((message) => ({ rule: rule.key, message }))),
  ];
}

function lintRule({ document, detection }: LoadedRule): string[] {
  const found = new Set<string>(lintHeader(document.header));
  for (const item of itemsOf(detection)) for (const message of lintItem(item)) found.add(message);
  if (witnessOf(detection) === undefined)
    found.add('nothing has to be in an event for the rule to match: it is looked at for every event');
  return [...found];
}

function lintHeader(header: LoadedRule['document']['header']): string[] {
  const found: string[] = [];
  if (header.id === undefined)
    found.push('there is no id: findings are named after the title, which may change');
  if (header.level === undefined) found.push('there is no level: it counts as medium');
  if (header.description === undefined) found.push('there is no description');
  return found;
}

function lintCorrelation({ document }: LoadedCorrelation): string[] {
  const found = lintHeader(document.header);
  const { correlation } = document;
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

function lintItem({ field, values, link }: DetectionItem): string[] {
  const where = field === undefined ? 'keywords' : field;
  const found: string[] = [];
  if (link === 'and' && values.length === 1) found.push(`${where}: all has no meaning for a single value`);
  for (const value of values.flat()) {
    const message = lintValue(value);
    if (message !== undefined) found.push(`${where}: ${message}`);
  }
  if (values.length > 1 && values.flat().some(({ op }) => op === 'null'))
    found.push(`${where}: null in a list matches events without the field`);
  return found;
}

function lintValue(value: RuleValue): string | undefined {
  if (value.op !== 'pattern') return undefined;
  const { pattern } = value;
  const text = pattern.map((part) => (typeof part === 'string' ? part : '')).join('');
  if (pattern.length === 1 && isMany(pattern[0]))
    return 'a lone * matches whatever is there; exists says that better';
  if (/[A-Za-z0-9]\*$|^\*[A-Za-z0-9]/.test(text) && text.includes('\\'))
    return 'a backslash before * makes it a plain character; before a wildcard it takes two backslashes';
  if (/^\/.*\/$/.test(text) && /[()[\]+|]/.test(text))
    return 'this looks like a regular expression; those take the modifier re';
  return undefined;
}

const isMany = (part: Pattern[number] | undefined): boolean =>
  typeof part === 'object' && 'wild' in part && part.wild === '*';
