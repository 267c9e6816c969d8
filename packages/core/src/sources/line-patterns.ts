import { RE2JS, RE2JSException } from 're2js';
import type { RuleEvent } from '../sigma/event-fields.ts';
import { RuleError } from '../sigma/rule-error.ts';
import type { PatternMapping } from './mapping-schema.ts';

/** Adds to a record what its message says. */
export type AddFields = (record: RuleEvent) => RuleEvent;

interface Pattern {
  readonly expression: RE2JS;
  readonly groups: readonly string[];
  readonly set: Readonly<Record<string, string>>;
}

/**
 * Compiles patterns over the field `message`, of which the first that fits counts. They take linear time (RE2): messages
 * are what an attacker makes a program write.
 *
 * @throws RuleError
 */
export function compilePatterns(mappings: readonly PatternMapping[]): AddFields {
  const patterns = mappings.map(({ match, set = {} }): Pattern => {
    const expression = compile(match);
    return { expression, groups: Object.keys(expression.namedGroups()), set };
  });
  return (record) => {
    const { message } = record;
    if (typeof message !== 'string') return record;
    for (const { expression, groups, set } of patterns) {
      const matcher = expression.matcher(message);
      if (!matcher.find()) continue;
      const found: Record<string, unknown> = { ...record };
      for (const group of groups) {
        const text = matcher.group(group);
        if (text !== null && text !== '') found[group] = text;
      }
      return Object.assign(found, set);
    }
    return record;
  };
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(source, RE2JS.DOTALL);
  } catch (cause) {
    if (!(cause instanceof RE2JSException)) throw cause;
    throw new RuleError(`the regular expression cannot be used: ${cause.message.slice(0, 200)}`);
  }
}
