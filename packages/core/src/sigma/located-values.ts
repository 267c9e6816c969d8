import type { Located } from './located.ts';
import { RuleError } from './rule-error.ts';

/** @throws RuleError for what is no text */
export function textOf(located: Located): string {
  if (located.kind !== 'scalar' || typeof located.value !== 'string' || located.value === '')
    throw new RuleError('expected a text', located);
  return located.value;
}

/** A text, or a list of some. @throws RuleError */
export function textsOf(located: Located): string[] {
  const items = located.kind === 'list' ? located.items : [located];
  if (items.length === 0) throw new RuleError('expected at least one', located);
  return items.map(textOf);
}

/** @throws RuleError for what is no number */
export function numberOf(located: Located): number {
  if (located.kind !== 'scalar' || typeof located.value !== 'number')
    throw new RuleError('expected a number', located);
  return located.value;
}
