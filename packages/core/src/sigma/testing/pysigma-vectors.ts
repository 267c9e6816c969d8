// What pySigma, the reference parser, makes of rules, against what is made of them here. Every deviation is listed, with
// its reason. Source of the vectors: runs of pySigma 1.5.0 at 0c15d53.
import { type Condition, parseCondition } from '../condition.ts';
import { parseCorrelation } from '../correlation.ts';
import { type Detection, parseDetection } from '../detection.ts';
import { type LocatedMap, parseYaml, type Scalar } from '../located.ts';
import { parseItem } from '../modifiers.ts';
import { dashes, type Pattern, parsePattern } from '../pattern.ts';
import { RuleError } from '../rule-error.ts';
import { parseTimespan } from '../timespan.ts';
import type { RuleValue } from '../values.ts';
import { json, records } from './corpus.ts';

/** One vector: what is made of it here, and there; null where it is refused. */
export interface Vector {
  readonly name: string;
  readonly found: unknown;
  readonly expected: unknown;
  /** Why it is read otherwise here. */
  readonly deviation: string | undefined;
}

const folder = '07-pysigma-vectors';

/** A value as YAML has it; JSON is YAML. */
const located = (value: unknown): LocatedMap => {
  const [document] = parseYaml(JSON.stringify(value));
  if (!document || 'faults' in document || document.root.kind !== 'map') throw new Error('expected a map');
  return document.root;
};

/** What is refused is null. */
function unlessRefused<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof RuleError) return null;
    throw error;
  }
}

/** A pattern as pySigma writes it; a dash that stands for five is five patterns there. */
function parts(pattern: Pattern): unknown[][] {
  const [first, ...rest] = pattern;
  if (first === undefined) return [[]];
  const heads = typeof first === 'object' && 'wild' in first && first.wild === 'dash' ? dashes : [first];
  const tails = parts(rest);
  return heads.flatMap((head) => tails.map((tail) => joined(head, tail)));
}

function joined(head: unknown, tail: readonly unknown[]): unknown[] {
  const [next, ...rest] = tail;
  if (typeof head === 'string' && typeof next === 'string') return [head + next, ...rest];
  if (typeof head === 'object' && head !== null && 'placeholder' in head)
    return [{ ph: head.placeholder }, ...tail];
  return [head, ...tail];
}

function written(value: RuleValue): unknown[] {
  switch (value.op) {
    case 'pattern':
      return parts(value.pattern).map((pattern) => ({ [value.cased ? 'cased' : 'str']: pattern }));
    case 'number':
      return [{ num: value.value }];
    case 'boolean':
      return [{ bool: value.value }];
    case 'null':
      return [{ null: true }];
    case 'exists':
      return [{ exists: value.expected }];
    case 're':
      return [{ re: value.source, flags: value.flags }];
    case 'cidr':
      return [{ cidr: value.network }];
    case 'compare':
      return [{ cmp: value.by, num: value.value }];
    case 'fieldref':
      // pySigma names the ends that are open.
      return [{ fieldref: value.field, starts_with: value.atStart, ends_with: value.atEnd }];
    case 'time':
      return [{ time_part: value.part, value: value.value }];
  }
}

/** pySigma keeps texts apart that were put together. */
function withoutSeams(value: unknown): unknown {
  const { str } = value as { readonly str?: readonly unknown[] };
  if (str === undefined) return value;
  return { str: str.reduceRight<unknown[]>((tail, head) => joined(head, tail), []) };
}

interface ModifierCase {
  readonly key: string;
  readonly value: Scalar | readonly Scalar[];
  readonly values?: readonly unknown[];
  readonly link?: string;
  readonly negated?: boolean;
}

/** Cases that are read otherwise here, by key and value. */
const modifierDeviations: Readonly<Record<string, string>> = {
  'field|utf16le "cmd"': 'the name is in the specification; pySigma knows wide only',
  'field|hour|gte 5': 'pySigma forgets the hour and compares the whole value',
};

const texts = (): Vector[] =>
  records<{ input: string; parts: unknown[] }>(`${folder}/string_parsing.jsonl`).map(
    ({ input, parts: expected }) => ({
      name: input,
      found: parsePattern(input),
      expected,
      deviation: undefined,
    }),
  );

const modifiers = (): Vector[] =>
  records<ModifierCase>(`${folder}/modifiers.jsonl`).map(({ key, value, values, link, negated }) => {
    const list = (Array.isArray(value) ? value : [value]) as Scalar[];
    const found = unlessRefused(() => {
      const item = parseItem(key, list);
      return {
        values: item.values.map((forms) => {
          const all = forms.flatMap(written);
          return key.includes('base64offset') || key.includes('windash') ? { any_of: all } : all[0];
        }),
        link: item.link === 'and' ? 'and' : 'or',
        negated: item.isNegated,
      };
    });
    const name = `${key} ${JSON.stringify(value)}`;
    const expected = values === undefined ? null : { values: values.map(withoutSeams), link, negated };
    return { name, found, expected, deviation: modifierDeviations[name] };
  });

/** Keywords in capitals are taken, with a hint. */
const inCapitals = new Set(['NOT a', 'a AND b', '1 OF them']);

function conditions(): Vector[] {
  const detections = json<Record<string, { f: string }>>(`${folder}/conditions_detections.json`);
  const tree = (condition: Condition): unknown => {
    switch (condition.op) {
      case 'is':
        return detections[condition.name]!.f;
      case 'not':
        return { not: tree(condition.part) };
      default:
        return { [condition.op]: condition.parts.map(tree) };
    }
  };
  return records<{ condition: string; tree?: unknown }>(`${folder}/conditions.jsonl`).map(
    ({ condition, tree: expected }) => ({
      name: condition,
      found: unlessRefused(() => tree(parseCondition(condition, Object.keys(detections)))),
      expected: expected ?? null,
      deviation: inCapitals.has(condition)
        ? 'keywords in capitals are taken, with a hint; pySigma takes small letters only'
        : undefined,
    }),
  );
}

function treeOf(detection: Detection): unknown {
  switch (detection.op) {
    case 'not':
      return { not: treeOf(detection.part) };
    case 'item': {
      const { field, values, link, isNegated } = detection.item;
      const leaves = values.map((forms) => {
        const all = forms.flatMap(written);
        const value = all.length > 1 ? { any_of: all } : all[0];
        return field === undefined ? { keyword: value } : { field, value };
      });
      const joinedLeaves = leaves.length === 1 ? leaves[0] : { [link]: leaves };
      return isNegated ? { not: joinedLeaves } : joinedLeaves;
    }
    default:
      return { [detection.op]: detection.parts.map(treeOf) };
  }
}

const detectionShapes = (): Vector[] =>
  records<{ detection: object; tree?: unknown }>(`${folder}/detections.jsonl`).map(({ detection, tree }) => ({
    name: JSON.stringify(detection),
    found: unlessRefused(() => treeOf(parseDetection(located({ ...detection, condition: 'selection' })))),
    expected: tree ?? null,
    deviation: undefined,
  }));

const timespanDeviations = new Set(['-5m', '0s', '5 m']);

const timespans = (): Vector[] =>
  records<{ timespan: string; seconds?: number }>(`${folder}/timespans.jsonl`).map(
    ({ timespan, seconds }) => ({
      name: timespan,
      found: unlessRefused(() => parseTimespan(timespan) / 1000),
      expected: seconds ?? null,
      deviation: timespanDeviations.has(timespan)
        ? 'no span ends before it begins or when it begins, and none has a space in it'
        : undefined,
    }),
  );

interface CorrelationCase {
  readonly correlation: Readonly<Record<string, unknown>>;
  readonly ok?: true;
  readonly group_by?: readonly string[] | null;
  readonly generate?: boolean;
}

const correlations = (): Vector[] =>
  records<CorrelationCase>(`${folder}/correlation_validation.jsonl`).map(
    ({ correlation, ok, group_by, generate }) => {
      const { condition } = correlation;
      const found = unlessRefused(() => {
        const { groupBy, generate: generates, threshold } = parseCorrelation(located(correlation));
        return { groupBy, generates, ...(typeof condition === 'object' && { threshold }) };
      });
      // What is beside the thresholds in a condition is the field that is measured.
      const threshold =
        typeof condition === 'object' &&
        Object.fromEntries(
          Object.entries(condition as object).filter(([key]) => /^(?:n?eq|[gl]te?)$/.test(key)),
        );
      return {
        name: JSON.stringify(correlation),
        found,
        expected: ok
          ? { groupBy: group_by ?? [], generates: generate, ...(threshold && { threshold }) }
          : null,
        deviation:
          JSON.stringify(condition) === '{"gt":1,"lte":5}'
            ? 'two operators are a range, as the specification allows; pySigma does not'
            : undefined,
      };
    },
  );

/** The vectors, by what they are about. */
export const pysigmaVectors = {
  texts,
  modifiers,
  conditions,
  detections: detectionShapes,
  'time spans': timespans,
  correlations,
} as const satisfies Readonly<Record<string, () => Vector[]>>;
