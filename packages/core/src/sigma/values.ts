import type { Pattern } from './pattern.ts';

/** Comparisons of numbers. */
export type NumberOperator = 'lt' | 'lte' | 'gt' | 'gte';

/** Parts of a timestamp that a rule can ask for. */
export const timeParts = ['minute', 'hour', 'day', 'week', 'month', 'year'] as const;
export type TimePart = (typeof timeParts)[number];

/** One value that a rule compares a field, or the whole event, with. */
export type RuleValue =
  /** Text with wildcards, over the whole value. `encoded`: the output of an encoding, of which the case is content. */
  | { readonly op: 'pattern'; readonly pattern: Pattern; readonly cased: boolean; readonly encoded?: true }
  | { readonly op: 'number'; readonly value: number }
  | { readonly op: 'boolean'; readonly value: boolean }
  /** The field is absent, or all of its values are null. */
  | { readonly op: 'null' }
  | { readonly op: 'exists'; readonly expected: boolean }
  | RegexValue
  | { readonly op: 'cidr'; readonly network: string }
  | { readonly op: 'compare'; readonly by: NumberOperator; readonly value: number }
  | FieldReference
  | {
      readonly op: 'time';
      readonly part: TimePart;
      readonly by: NumberOperator | 'eq';
      readonly value: number;
    };

/** A regular expression, found anywhere in the value. */
export interface RegexValue {
  readonly op: 're';
  readonly source: string;
  readonly flags: readonly RegexFlag[];
}
export type RegexFlag = 'ignorecase' | 'multiline' | 'dotall';

/** The value of another field of the same event. */
export interface FieldReference {
  readonly op: 'fieldref';
  readonly field: string;
  /** The other value stands at the beginning, at the end, or with both anywhere. */
  readonly atStart: boolean;
  readonly atEnd: boolean;
  readonly cased: boolean;
}

/** What one key of a detection asks for. */
export interface DetectionItem {
  /** Absent for keywords, which may stand anywhere in the event. */
  readonly field: string | undefined;
  /** Each value with the forms it was expanded to, any of which will do. */
  readonly values: readonly (readonly RuleValue[])[];
  /** Whether any or all of the values are needed. */
  readonly link: 'or' | 'and';
  readonly isNegated: boolean;
}
