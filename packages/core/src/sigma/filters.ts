import { apply, at, type Detection, join } from './detection.ts';
import type { Attempt, FiledDocument, LoadedFilter } from './load.ts';
import { compileNaive } from './naive.ts';
import { RuleError } from './rule-error.ts';
import type { DetectionRule, FilterRule } from './rule-file.ts';
import { type Names, resolve } from './rule-names.ts';
import type { Logsource } from './rule-schema.ts';

/** A filter that is ready to become part of rules. */
export interface ResolvedFilter {
  readonly loaded: LoadedFilter;
  /** Undefined: every rule of the source. */
  readonly keys: ReadonlySet<string> | undefined;
  readonly detection: Detection;
}

/** Filters whose rules are known. One that names what it cannot change is a fault. */
export function resolveFilters(
  documents: readonly FiledDocument<FilterRule>[],
  rules: readonly FiledDocument<DetectionRule>[],
  names: Names,
  attempt: Attempt,
): readonly ResolvedFilter[] {
  const byKey = new Map(rules.map((filed) => [filed.key, filed.document]));
  return documents.flatMap((filed) =>
    attempt(filed, (): ResolvedFilter => {
      const { key, file, document } = filed;
      const detection = apply(document.condition, document.identifiers);
      compileNaive(detection);
      const keys = keysOf(document, names, byKey);
      const isUsed =
        keys !== undefined || rules.some((rule) => contains(document.logsource, rule.document.logsource));
      return { loaded: { key, file, document, isUsed }, keys, detection };
    }),
  );
}

function keysOf(
  { rules, places, logsource }: FilterRule,
  names: Names,
  byKey: ReadonlyMap<string, DetectionRule>,
): ReadonlySet<string> | undefined {
  if (rules === 'any') return undefined;
  return new Set(
    rules.map((name, i) =>
      at(places[i]!, () => {
        const key = resolve(name, names);
        const rule = byKey.get(key);
        if (rule === undefined)
          throw new RuleError(`filters are for rules over single events: ${name} is a correlation`);
        if (!contains(logsource, rule.logsource))
          throw new RuleError(
            `the rule ${name} is not of the logsource of the filter, which would have no effect on it`,
          );
        return key;
      }),
    ),
  );
}

/** Filters are anded as they are written: what they are to leave out stands behind a not. */
export function withFilters(
  key: string,
  { logsource, detection }: DetectionRule,
  filters: readonly ResolvedFilter[],
): Detection {
  const wanted = filters.filter(
    ({ keys, loaded }) =>
      (keys === undefined || keys.has(key)) && contains(loaded.document.logsource, logsource),
  );
  return join('and', [detection, ...wanted.map((filter) => filter.detection)]);
}

/** Whether everything of a source that a filter names is what the rule names. */
const contains = (filter: Logsource, rule: Logsource): boolean =>
  (['category', 'product', 'service'] as const).every(
    (name) => filter[name] === undefined || filter[name] === rule[name],
  );
