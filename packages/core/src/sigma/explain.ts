import type { Detection } from './detection.ts';
import { type FieldSource, fieldValues, type RuleEvent, scalarsIn } from './event-fields.ts';
import { FieldView } from './field-view.ts';
import { compileKeyword, compileValue } from './value-test.ts';
import type { DetectionItem, RuleValue } from './values.ts';

/** Why a detection does or does not find an event: a part of it, what came of it, and what it is made of. */
export type Explanation =
  | { readonly op: 'and' | 'or' | 'not'; readonly holds: boolean; readonly parts: readonly Explanation[] }
  | {
      readonly op: 'item';
      readonly holds: boolean;
      /** The search identifier that it stands in. */
      readonly identifier: string | undefined;
      /** Absent for keywords. */
      readonly field: string | undefined;
      /** Whether any or all of the values are needed. */
      readonly link: 'or' | 'and';
      readonly isNegated: boolean;
      readonly values: readonly { readonly text: string; readonly holds: boolean }[];
      /** What the event has there; undefined where there is no such field. */
      readonly found: readonly unknown[] | undefined;
    };

/**
 * Holds an event against every part of a detection, also those that are not needed to decide.
 *
 * @param valuesOf where fields come from that are not the event's own, see `DerivedFields`
 * @throws RuleError
 */
export function explain(
  detection: Detection,
  event: RuleEvent,
  valuesOf: FieldSource = fieldValues,
): Explanation {
  return explainPart(detection, event, valuesOf, undefined);
}

function explainPart(
  detection: Detection,
  event: RuleEvent,
  valuesOf: FieldSource,
  identifier: string | undefined,
): Explanation {
  const name = detection.name ?? identifier;
  switch (detection.op) {
    case 'item':
      return explainItem(detection.item, event, valuesOf, name);
    case 'not': {
      const part = explainPart(detection.part, event, valuesOf, name);
      return { op: 'not', holds: !part.holds, parts: [part] };
    }
    default: {
      const parts = detection.parts.map((part) => explainPart(part, event, valuesOf, name));
      const holds =
        detection.op === 'and' ? parts.every((part) => part.holds) : parts.some((part) => part.holds);
      return { op: detection.op, holds, parts };
    }
  }
}

function explainItem(
  { field, values, link, isNegated }: DetectionItem,
  event: RuleEvent,
  valuesOf: FieldSource,
  identifier: string | undefined,
): Explanation {
  const found = field === undefined ? scalarsIn(event) : valuesOf(event, field);
  const view = found && new FieldView(found);
  const compile = field === undefined ? compileKeyword : compileValue;
  const told = values.map((forms) => ({
    text: forms.map(textOfValue).join(' or '),
    holds: forms.some((form) => compile(form)(view, event)),
  }));
  const isFound = link === 'and' ? told.every(({ holds }) => holds) : told.some(({ holds }) => holds);
  const explained = { op: 'item', identifier, field, link, isNegated, values: told } as const;
  return { ...explained, holds: isFound !== isNegated, found: field === undefined ? undefined : found };
}

/** A value of a rule, for people. */
function textOfValue(value: RuleValue): string {
  switch (value.op) {
    case 'pattern': {
      const text = value.pattern
        .map((part) => {
          if (typeof part === 'string') return part;
          return 'placeholder' in part ? `%${part.placeholder}%` : part.wild === 'dash' ? '-' : part.wild;
        })
        .join('');
      return JSON.stringify(text);
    }
    case 'number':
    case 'boolean':
      return String(value.value);
    case 'null':
      return 'null';
    case 'exists':
      return value.expected ? 'present' : 'absent';
    case 're':
      return `/${value.source}/`;
    case 'cidr':
      return value.network;
    case 'compare':
      return `${value.by} ${value.value}`;
    case 'fieldref':
      return `the value of ${value.field}`;
    case 'time':
      return `${value.part} ${value.by} ${value.value}`;
  }
}
