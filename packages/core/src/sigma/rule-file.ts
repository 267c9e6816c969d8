import type { z } from 'zod';
import { type Condition, namesIn } from './condition.ts';
import { type Correlation, type CorrelationPlaces, parseCorrelation, placesIn } from './correlation.ts';
import {
  type Detection,
  identifiersIn,
  parseDetection,
  readHoldable,
  readIdentifiers,
  unusedIn,
} from './detection.ts';
import { entryOf, type Located, type LocatedMap, parseYaml, plain } from './located.ts';
import { type Position, RuleError, type RuleFault } from './rule-error.ts';
import { headerSchema, type Logsource, logsourceSchema, type RuleHeader } from './rule-schema.ts';

interface Document {
  readonly header: RuleHeader;
  /** Where it begins in its file. */
  readonly position: Position;
}

/** A rule over single events. */
export interface DetectionRule extends Document {
  readonly kind: 'detection';
  readonly logsource: Logsource;
  readonly detection: Detection;
  /** Search identifiers that the condition does not ask for. */
  readonly unused: readonly string[];
}

/** A rule over matches of other rules. */
export interface CorrelationRule extends Document {
  readonly kind: 'correlation';
  readonly correlation: Correlation;
  readonly places: CorrelationPlaces;
}

/** What is left out of what other rules find. */
export interface FilterRule extends Document {
  readonly kind: 'filter';
  readonly logsource: Logsource;
  /** Ids or names of the rules that it is for, or all of its log source. */
  readonly rules: readonly string[] | 'any';
  /** Where each of them stands. */
  readonly places: readonly Position[];
  /** Search identifiers that the condition does not ask for. */
  readonly unused: readonly string[];
  readonly identifiers: ReadonlyMap<string, Detection>;
  readonly condition: Condition;
}

export type RuleDocument = DetectionRule | CorrelationRule | FilterRule;

/** What a file holds: the documents that are understood, and what is wrong with the others. */
export interface RuleFile {
  readonly documents: readonly RuleDocument[];
  readonly faults: readonly RuleFault[];
}

/**
 * Reads a rule file: YAML with one or several documents. Each is understood as a whole or refused with the line at fault:
 * nothing of a rule is passed over.
 */
export function parseRuleFile(text: string): RuleFile {
  const documents: RuleDocument[] = [];
  const faults: RuleFault[] = [];
  for (const document of parseYaml(text)) {
    if ('faults' in document) {
      faults.push(...document.faults);
      continue;
    }
    try {
      documents.push(readDocument(document.root));
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      const { line, column } = error.position ?? document.root;
      faults.push({ line, column, message: error.message });
    }
  }
  return { documents, faults };
}

function readDocument(root: Located): RuleDocument {
  if (root.kind !== 'map') throw new RuleError('expected a map: a rule, a correlation or a filter', root);
  const kinds = (['detection', 'correlation', 'filter'] as const).filter((key) => entryOf(root, key));
  if (kinds.length !== 1) throw new RuleError('expected one of detection, correlation and filter', root);
  const [kind] = kinds;
  const header = checked(headerSchema, root);
  const document = { header, position: { line: root.line, column: root.column } };
  const body = mapOf(entryOf(root, kind!)!.value);
  switch (kind!) {
    case 'detection': {
      const logsource = readLogsource(root);
      const detection = parseDetection(body);
      const identifiers = body.entries.map(({ key }) => key).filter((key) => key !== 'condition');
      return {
        ...document,
        kind: 'detection',
        logsource,
        detection,
        unused: unusedIn(identifiers, identifiersIn(detection)),
      };
    }
    case 'correlation':
      return {
        ...document,
        kind: 'correlation',
        correlation: parseCorrelation(body),
        places: placesIn(body),
      };
    case 'filter':
      return { ...document, kind: 'filter', logsource: readLogsource(root), ...readFilter(body) };
  }
}

function readFilter(body: LocatedMap): Omit<FilterRule, 'kind' | 'logsource' | keyof Document> {
  const identifiers = readIdentifiers(body, ['rules', 'condition']);
  const written = entryOf(body, 'condition')?.value;
  if (written?.kind !== 'scalar' || typeof written.value !== 'string')
    throw new RuleError('expected a condition', written ?? body);
  const rules = entryOf(body, 'rules')?.value;
  if (!rules) throw new RuleError('expected the rules that the filter is for, or any', body);
  const condition = readHoldable(written, written.value, identifiers);
  return {
    rules: readRules(rules),
    places: (rules.kind === 'list' ? rules.items : [rules]).map(({ line, column }) => ({ line, column })),
    unused: unusedIn(identifiers.keys(), namesIn(condition)),
    identifiers,
    condition,
  };
}

function readRules(located: Located): readonly string[] | 'any' {
  if (located.kind === 'scalar' && located.value === 'any') return 'any';
  const items = located.kind === 'list' ? located.items : [located];
  if (items.length === 0) throw new RuleError('expected at least one rule', located);
  return items.map((item) => {
    if (item.kind !== 'scalar' || typeof item.value !== 'string')
      throw new RuleError('expected the id or the name of a rule', item);
    return item.value;
  });
}

function readLogsource(root: LocatedMap): Logsource {
  const entry = entryOf(root, 'logsource');
  if (!entry) throw new RuleError('expected a logsource', root);
  const { category, product, service } = checked(logsourceSchema, mapOf(entry.value));
  return {
    ...(category !== undefined && { category }),
    ...(product !== undefined && { product }),
    ...(service !== undefined && { service }),
  };
}

function mapOf(located: Located): LocatedMap {
  if (located.kind !== 'map') throw new RuleError('expected a map', located);
  return located;
}

/** A part of a document as its schema reads it; a fault is at the place of the value. */
function checked<T>(schema: z.ZodType<T>, located: Located): T {
  const parsed = schema.safeParse(plain(located));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = placeOf(located, issue!.path);
  const name = issue!.path.map(String).join('.');
  throw new RuleError(name === '' ? issue!.message : `${name}: ${issue!.message}`, place);
}

function placeOf(located: Located, path: readonly PropertyKey[]): Position {
  const [step, ...rest] = path;
  if (step === undefined) return located;
  if (located.kind === 'map') {
    const entry = entryOf(located, String(step));
    return entry ? placeOf(entry.value, rest) : located;
  }
  if (located.kind === 'list') {
    const item = located.items[Number(step)];
    return item ? placeOf(item, rest) : located;
  }
  return located;
}
