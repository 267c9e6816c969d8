import { hasNot } from './condition.ts';
import { lintCorrelation } from './lint-correlation.ts';
import { lintOwnFields } from './lint-fields.ts';
import type { LoadedFilter, LoadedRule, LoadedRules } from './load.ts';
import type { Pattern } from './pattern.ts';
import { fieldsIn, itemsOf, referencesIn } from './rule-fields.ts';
import type { RuleHeader } from './rule-schema.ts';
import type { DetectionItem, RuleValue } from './values.ts';
import { witnessOf } from './witness.ts';

/** Something that is legal and probably not what its author means. `rule`: the key of a rule, a correlation or a filter. */
export interface Lint {
  readonly rule: string;
  readonly message: string;
}

/** Looks for the mistakes that authors of rules are known to make. Of names it is asked whether the set has them. */
export function lintRules({ rules, correlations, filters }: LoadedRules): readonly Lint[] {
  const ruleByKey = new Map(rules.map((rule) => [rule.key, rule]));
  const names = new Set(
    [...rules, ...correlations].flatMap(({ key, document }) => [key, document.header.name ?? key]),
  );
  const hints = (key: string, found: Iterable<string>): Lint[] =>
    [...new Set(found)].map((message) => ({ rule: key, message }));
  return [
    ...rules.flatMap((rule) =>
      hints(rule.key, [...lintHeader(rule.document.header), ...lintNames(rule, names), ...lintRule(rule)]),
    ),
    ...correlations.flatMap((rule) =>
      hints(rule.key, [
        ...lintHeader(rule.document.header),
        ...lintNames(rule, names),
        ...lintCorrelation(rule, ruleByKey),
      ]),
    ),
    ...filters.flatMap((filter) => hints(filter.key, lintFilter(filter))),
  ];
}

function lintRule({ document, detection }: LoadedRule): string[] {
  const { unused, logsource, header } = document;
  const found = [
    ...lintUnused(unused),
    ...lintOwnFields(logsource, [
      ...fieldsIn(detection),
      ...referencesIn(detection),
      ...(header.sealtrail?.['group-by'] ?? []),
    ]),
  ];
  for (const item of itemsOf(detection)) found.push(...lintItem(item));
  if (witnessOf(detection) === undefined)
    found.push('nothing has to be in an event for the rule to match: it is looked at for every event');
  return found;
}

/** Filters are anded as they are written, which is not how all engines have it. */
function lintFilter({ document, isUsed }: LoadedFilter): string[] {
  const { condition, identifiers, unused } = document;
  const found = lintUnused(unused);
  if (!isUsed) found.push('there is no rule of its logsource: it has no effect');
  const isNegated = [...identifiers.values()].some((detection) =>
    [...itemsOf(detection)].some((item) => item.isNegated),
  );
  if (!hasNot(condition) && !isNegated)
    found.push(
      'the condition has no not: rules then match only what the filter describes; to leave that out, say not',
    );
  return found;
}

const lintUnused = (unused: readonly string[]): string[] =>
  unused.map((name) => `the condition does not use the search identifier ${name.slice(0, 64)}`);

function lintNames(
  { document }: LoadedRule | LoadedRules['correlations'][number],
  names: ReadonlySet<string>,
): string[] {
  return (document.header.sealtrail?.inhibits ?? []).flatMap((name) =>
    names.has(name) ? [] : [`inhibits names ${name.slice(0, 64)}, and there is no such rule`],
  );
}

function lintHeader(header: RuleHeader): string[] {
  const found: string[] = [];
  if (header.id === undefined)
    found.push('there is no id: findings are named after the title, which may change');
  if (header.level === undefined) found.push('there is no level: it counts as medium');
  if (header.description === undefined) found.push('there is no description');
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
