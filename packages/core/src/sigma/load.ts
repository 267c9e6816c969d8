import { orderedCorrelations } from './correlation-order.ts';
import { assertDerived, isDerived } from './derived-fields.ts';
import type { Detection } from './detection.ts';
import { resolveFilters, withFilters } from './filters.ts';
import { compileNaive } from './naive.ts';
import { RuleError, type RuleFault } from './rule-error.ts';
import { fieldsIn, referencesIn } from './rule-fields.ts';
import {
  type CorrelationRule,
  type DetectionRule,
  type FilterRule,
  parseRuleFile,
  type RuleDocument,
  type RuleFile,
} from './rule-file.ts';
import { namesOf } from './rule-names.ts';

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

/** A filter, which is part of the rules that it is for. */
export interface LoadedFilter {
  readonly key: string;
  readonly file: string;
  readonly document: FilterRule;
  /** Whether there is a rule that it is for. */
  readonly isUsed: boolean;
}

/** Rules that are ready to run. Correlations stand behind those that they are over. */
export interface LoadedRules {
  readonly rules: readonly LoadedRule[];
  readonly correlations: readonly LoadedCorrelation[];
  readonly filters: readonly LoadedFilter[];
  readonly faults: readonly LoadFault[];
}

/** A document with the file that it is in, and the key that the set knows it by. */
export interface FiledDocument<Document extends RuleDocument = RuleDocument> {
  readonly file: string;
  readonly key: string;
  readonly document: Document;
}

/** Does something for a document. What is wrong with it is noted, and nothing comes of it then. */
export type Attempt = <T>(filed: FiledDocument, work: () => T) => T[];

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
  const attempt: Attempt = (filed, work) => {
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
  const ofKind = <Kind extends RuleDocument['kind']>(kind: Kind) =>
    unique.filter(
      (filed): filed is FiledDocument<Extract<RuleDocument, { kind: Kind }>> => filed.document.kind === kind,
    );
  const detections = ofKind('detection');
  const filters = resolveFilters(ofKind('filter'), detections, names, attempt);
  const rules = detections.flatMap((filed) => {
    const { document } = filed;
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
  const correlations = orderedCorrelations(ofKind('correlation'), names, runnable, attempt);
  return { rules, correlations, filters: filters.map(({ loaded }) => loaded), faults };
}

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
