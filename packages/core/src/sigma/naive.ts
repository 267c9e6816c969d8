import type { Detection } from './detection.ts';
import { fieldValues, type RuleEvent, scalarsIn } from './event-fields.ts';
import { FieldView } from './field-view.ts';
import { compileKeyword, compileValue } from './value-test.ts';
import type { DetectionItem } from './values.ts';

/** Whether an event is what a rule looks for. */
export type EventTest = (event: RuleEvent) => boolean;

/**
 * A detection as a test, written as the specification reads: no index, no cache. It is what the planned evaluation is
 * compared with.
 *
 * @throws RuleError
 */
export function compileNaive(detection: Detection): EventTest {
  switch (detection.op) {
    case 'and': {
      const parts = detection.parts.map(compileNaive);
      return (event) => parts.every((part) => part(event));
    }
    case 'or': {
      const parts = detection.parts.map(compileNaive);
      return (event) => parts.some((part) => part(event));
    }
    case 'not': {
      const part = compileNaive(detection.part);
      return (event) => !part(event);
    }
    case 'item':
      return compileItem(detection.item);
  }
}

function compileItem({ field, values, link, isNegated }: DetectionItem): EventTest {
  const compile = field === undefined ? compileKeyword : compileValue;
  const tests = values.map((forms) => forms.map(compile));
  return (event) => {
    const found = field === undefined ? scalarsIn(event) : fieldValues(event, field);
    const view = found && new FieldView(found);
    const holds = (forms: (typeof tests)[number]): boolean => forms.some((test) => test(view, event));
    return (link === 'and' ? tests.every(holds) : tests.some(holds)) !== isNegated;
  };
}
