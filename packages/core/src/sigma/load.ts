import { planWindows } from './correlate/window-plan.ts';
import type { Correlation } from './correlation.ts';
import { derivedFields, isDerived } from './derived-fields.ts';
import { apply, type Detection, join } from './detection.ts';
import { compileNaive } from './naive.ts';
import { RuleError, type RuleFault } from './rule-error.ts';
import { fieldsIn, fieldsOf, referencesIn } from './rule-fields.ts';
import {
  type CorrelationRule,
  type DetectionRule,
  type FilterRule,
  parseRuleFile,
  type RuleDocument,
  type RuleFile,
} from './rule-file.ts';
import type { Logsource } from './rule-schema.ts';

/** A file with rules. */
export interface RuleSource {
  readonly name: string;
  readonly text: string;
  /** What its text says, where that has been read before. */
  readonly parsed?: RuleFile;
}

/** What is wrong with a file of a set of rules. */
export interface LoadFault extends RuleFault {
  readonly file: string;
}

/** A rule over single events, with the filters that are for it. */
export interface LoadedRule {
  /** Its id, else its name, else its title. */
  readonly key: string;
  /** The file that it is in. */
  readonly file: string;
  readonly document: DetectionRule;
  readonly detection: Detection;
}

/** A correlation whose rules are known. */
export interface LoadedCorrelation {
  readonly key: string;
  readonly file: string;
  readonly document: CorrelationRule;
  /** Keys of the rules and correlations that it is over, in the order in which it names them. */
  readonly rules: readonly string[];
}

/** Rules that are ready to run. Correlations stand behind those that they are over. */
export interface LoadedRules {
  readonly rules: readonly LoadedRule[];
  readonly correlations: readonly LoadedCorrelation[];
  readonly faults: readonly LoadFault[];
}

/** A document with the file that it is in, and the key that the set knows it by. */
interface FiledDocument {
  readonly file: string;
  readonly key: string;
  readonly document: RuleDocument;
}

/**
 * Reads a set of rule files that may refer to each other. What is not understood, names an unknown or ambiguous rule, or
 * leads back to itself is a fault and left out, with everything that needs it; the rest is ready to run.
 */
export function loadRules(sources: readonly RuleSource[]): LoadedRules {
  const faults: LoadFault[] = [];
  const documents = sources.flatMap(({ name, text, parsed }): FiledDocument[] => {
    const file = parsed ?? parseRuleFile(text);
    faults.push(...file.faults.map((fault) => ({ ...fault, file: name })));
    return file.documents.map((document) => ({ file: name, key: keyOf(document), document }));
  });
  const attempt = <T>(filed: FiledDocument, work: () => T): T[] => {
    try {
      return [work()];
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      const { line, column } = error.position ?? filed.document.position;
      faults.push({ file: filed.file, line, column, message: error.message });
      return [];
    }
  };
  const unique = withoutRepeats(documents, attempt);
  const names = namesOf(unique);
  const filters = unique.flatMap((filed) =>
    filed.document.kind === 'filter'
      ? attempt(filed, () => resolveFilter(filed.document as FilterRule, names))
      : [],
  );
  const rules = unique.flatMap((filed) => {
    const { document } = filed;
    if (document.kind !== 'detection') return [];
    return attempt(filed, (): LoadedRule => {
      const detection = withFilters(filed.key, document, filters);
      assertDerived(fieldsIn(detection));
      const reference = [...referencesIn(detection)].find(isDerived);
      if (reference !== undefined)
        throw new RuleError(`nothing can be compared with the derived field ${reference.slice(0, 64)}`);
      // Says what keeps it from running, such as a placeholder without values.
      compileNaive(detection);
      return { key: filed.key, file: filed.file, document, detection };
    });
  });
  const runnable = new Set(rules.map(({ key }) => key));
  return { rules, correlations: orderedCorrelations(unique, names, runnable, attempt), faults };
}

type Attempt = <T>(filed: FiledDocument, work: () => T) => T[];

const keyOf = ({ header }: RuleDocument): string => header.id ?? header.name ?? header.title;

function withoutRepeats(documents: readonly FiledDocument[], attempt: Attempt): FiledDocument[] {
  const seen = new Map<string, FiledDocument>();
  return documents.flatMap((filed) =>
    attempt(filed, () => {
      const before = seen.get(filed.key);
      if (before) throw new RuleError(`there is a rule ${filed.key} already, in ${before.file}`);
      seen.set(filed.key, filed);
      return filed;
    }),
  );
}

/** Keys by everything that a rule can be referred to by; null where several have a name. */
type Names = ReadonlyMap<string, string | null>;

function namesOf(documents: readonly FiledDocument[]): Names {
  const names = new Map<string, string | null>();
  for (const { key, document } of documents) {
    if (document.kind === 'filter') continue;
    for (const name of new Set([document.header.id, document.header.name]))
      if (name !== undefined) names.set(name, names.has(name) ? null : key);
  }
  return names;
}

function resolve(name: string, names: Names): string {
  const key = names.get(name);
  if (key === null) throw new RuleError(`several rules are called ${name}`);
  if (key === undefined) throw new RuleError(`there is no rule with the id or name ${name}`);
  return key;
}

interface ResolvedFilter {
  readonly logsource: Logsource;
  /** Undefined: every rule of the source. */
  readonly keys: ReadonlySet<string> | undefined;
  readonly detection: Detection;
}

function resolveFilter(
  { logsource, rules, identifiers, condition }: FilterRule,
  names: Names,
): ResolvedFilter {
  const detection = apply(condition, identifiers);
  compileNaive(detection);
  return {
    logsource,
    keys: rules === 'any' ? undefined : new Set(rules.map((name) => resolve(name, names))),
    detection,
  };
}

/** Filters are anded as they are written: what they are to leave out stands behind a not. */
function withFilters(
  key: string,
  { logsource, detection }: DetectionRule,
  filters: readonly ResolvedFilter[],
): Detection {
  const wanted = filters.filter(
    (filter) => (filter.keys === undefined || filter.keys.has(key)) && contains(filter.logsource, logsource),
  );
  return join('and', [detection, ...wanted.map((filter) => filter.detection)]);
}

/** Whether everything of a source that a filter names is what the rule names. */
const contains = (filter: Logsource, rule: Logsource): boolean =>
  (['category', 'product', 'service'] as const).every(
    (name) => filter[name] === undefined || filter[name] === rule[name],
  );

function orderedCorrelations(
  documents: readonly FiledDocument[],
  names: Names,
  runnable: ReadonlySet<string>,
  attempt: Attempt,
): LoadedCorrelation[] {
  const ordered: LoadedCorrelation[] = [];
  const state = new Map<string, 'open' | 'done' | 'failed'>();
  const byKey = new Map(documents.map((filed) => [filed.key, filed]));
  const visit = (filed: FiledDocument): void => {
    if (state.has(filed.key)) return;
    state.set(filed.key, 'open');
    const loaded = attempt(filed, () => {
      const document = filed.document as CorrelationRule;
      assertDerived(fieldsOf(document.correlation));
      // Says what cannot be told, such as steps without an order.
      planWindows(document.correlation);
      const rules = document.correlation.rules.map((name) => {
        const key = resolve(name, names);
        if (runnable.has(key)) return key;
        const inner = byKey.get(key)!;
        if (inner.document.kind === 'correlation') {
          if (state.get(key) === 'open')
            throw new RuleError(`the correlation leads back to itself by ${name}`);
          assertTimely(document.correlation.type, inner.document.correlation.type, name);
          visit(inner);
        }
        if (state.get(key) !== 'done') throw new RuleError(`the rule ${name} cannot be used`);
        return key;
      });
      return { key: filed.key, file: filed.file, document, rules };
    });
    ordered.push(...loaded);
    state.set(filed.key, loaded.length > 0 ? 'done' : 'failed');
  };
  for (const filed of documents) if (filed.document.kind === 'correlation') visit(filed);
  // What is over all findings is told of them last.
  const isRisk = ({ document }: LoadedCorrelation): boolean => document.correlation.type === 'risk';
  return [...ordered.filter((one) => !isRisk(one)), ...ordered.filter(isRisk)];
}

/** @throws RuleError where a correlation of a type cannot be over another one */
function assertTimely(outer: Correlation['type'], type: Correlation['type'], name: string): void {
  if (outer === 'silence')
    throw new RuleError(
      `silence is over rules, whose matches are heard when they are received: ${name} is none`,
    );
  if (type === 'silence')
    throw new RuleError(`${name} is of the type silence, whose time is that of receipt: nothing is over it`);
  if (type === 'risk')
    throw new RuleError(`${name} is of the type risk, which is over all findings: nothing is over it`);
}

/** @throws RuleError for a derived field that there is none of */
function assertDerived(names: Iterable<string>): void {
  for (const name of names)
    if (isDerived(name) && !derivedFields.some((one) => one === name))
      throw new RuleError(
        `there is no field ${name.slice(0, 64)}; derived ones are ${derivedFields.join(', ')}`,
      );
}
