import type { Condition } from './condition.ts';

/** Parts of conditions that are looked at before it is left open whether one can hold. */
const maxLooks = 500_000;

/**
 * Whether a condition holds for some choice of what its names are. True where it cannot be told in good time: that is
 * bounded, since conditions are untrusted input.
 */
export function canHold(condition: Condition): boolean {
  const search = { looks: 0, known: new Map<string, boolean>() };
  return holdsFor(condition, search) !== 'never';
}

interface Search {
  looks: number;
  readonly known: Map<string, boolean>;
}

/** Tries both values of the first name that the condition hangs on, and so on. */
function holdsFor(condition: Condition, search: Search): 'sometimes' | 'never' {
  const value = outcomeOf(condition, search);
  if (typeof value === 'boolean') return value ? 'sometimes' : 'never';
  if (search.looks > maxLooks) return 'sometimes';
  for (const choice of [true, false]) {
    search.known.set(value.name, choice);
    if (holdsFor(condition, search) === 'sometimes') return 'sometimes';
  }
  search.known.delete(value.name);
  return 'never';
}

/** What a condition is as far as names are known; else a name that it hangs on. */
function outcomeOf(condition: Condition, search: Search): boolean | { readonly name: string } {
  search.looks++;
  switch (condition.op) {
    case 'is':
      return search.known.get(condition.name) ?? condition;
    case 'not': {
      const value = outcomeOf(condition.part, search);
      return typeof value === 'boolean' ? !value : value;
    }
    default: {
      const decisive = condition.op === 'or';
      let open: { readonly name: string } | undefined;
      for (const part of condition.parts) {
        const value = outcomeOf(part, search);
        if (value === decisive) return decisive;
        if (typeof value !== 'boolean') open ??= value;
      }
      return open ?? !decisive;
    }
  }
}

/** Whether a condition holds where nothing of what it names is so. */
export function holdsForNothing(condition: Condition): boolean {
  switch (condition.op) {
    case 'is':
      return false;
    case 'not':
      return !holdsForNothing(condition.part);
    case 'and':
      return condition.parts.every(holdsForNothing);
    case 'or':
      return condition.parts.some(holdsForNothing);
  }
}
