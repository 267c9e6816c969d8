import { fieldValues, type RuleEvent, textOf } from './event-fields.ts';
import type { FieldView } from './field-view.ts';
import { foldCase } from './fold.ts';
import { compilePattern, type TextTest } from './glob.ts';
import { parseNetwork } from './network.ts';
import { openAtEnd, openAtStart } from './pattern.ts';
import { compileRegex } from './regex.ts';
import { timePartOf } from './time-part.ts';
import type { FieldReference, NumberOperator, RuleValue } from './values.ts';

/** Whether a field is what a rule asks for; undefined stands for a field that is not there. */
export type FieldTest = (field: FieldView | undefined, event: RuleEvent) => boolean;

const someText =
  (test: TextTest): FieldTest =>
  (field) =>
    field !== undefined && some(field.texts, test);

const someFolded =
  (test: TextTest): FieldTest =>
  (field) =>
    field !== undefined && some(field.folded, test);

const someValue =
  (test: (value: unknown) => boolean): FieldTest =>
  (field) =>
    field !== undefined && some(field.values, test);

function some<T>(values: readonly T[], test: (value: T) => boolean): boolean {
  for (let i = 0; i < values.length; i++) if (test(values[i]!)) return true;
  return false;
}

/** One value of a rule as a test of a field. @throws RuleError */
export function compileValue(value: RuleValue): FieldTest {
  switch (value.op) {
    case 'pattern': {
      const isExact = value.cased || value.encoded === true;
      const test = compilePattern(value.pattern, !isExact);
      return isExact ? someText(test) : someFolded(test);
    }
    case 'number': {
      const wanted = textOf(value.value)!;
      return someText((text) => text === wanted);
    }
    case 'boolean': {
      const wanted = String(value.value);
      return someFolded((text) => text === wanted);
    }
    case 'null':
      return (field) => field === undefined || field.values.every((found) => found === null);
    case 'exists':
      return (field) => (field !== undefined) === value.expected;
    case 're':
      return someText(compileRegex(value));
    case 'cidr':
      return someText(parseNetwork(value.network).holds);
    case 'compare': {
      const compare = comparisons[value.by];
      return someValue((found) => {
        const number = numberOf(found);
        return number !== undefined && compare(number, value.value);
      });
    }
    case 'fieldref':
      return referenceTest(value);
    case 'time': {
      const compare = comparisons[value.by];
      return someValue((found) => {
        const part = timePartOf(found, value.part);
        return part !== undefined && compare(part, value.value);
      });
    }
  }
}

/** One keyword as a test of every scalar in an event. @throws RuleError */
export function compileKeyword(value: RuleValue): FieldTest {
  switch (value.op) {
    case 'pattern':
      return compileValue({ ...value, pattern: openAtStart(openAtEnd(value.pattern)) });
    case 'number': {
      const wanted = textOf(value.value)!;
      return someText((text) => text.includes(wanted));
    }
    default:
      return compileValue(value);
  }
}

const comparisons: Readonly<Record<NumberOperator | 'eq', (a: number, b: number) => boolean>> = {
  lt: (a, b) => a < b,
  lte: (a, b) => a <= b,
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
  eq: (a, b) => a === b,
};

const wholeNumber = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** A number, or a text that is one. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && wholeNumber.test(value.trim()) ? Number(value) : undefined;
}

function referenceTest({ field: name, atStart, atEnd, cased }: FieldReference): FieldTest {
  return (field, event) => {
    if (field === undefined) return false;
    const others = (fieldValues(event, name) ?? []).flatMap((value) => {
      const text = textOf(value);
      return text === undefined ? [] : cased ? text : foldCase(text);
    });
    const own = cased ? field.texts : field.folded;
    return some(own, (text) =>
      some(others, (other) => {
        if (atStart && atEnd) return text.includes(other);
        return atStart ? text.startsWith(other) : atEnd ? text.endsWith(other) : text === other;
      }),
    );
  };
}
