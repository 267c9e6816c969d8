import { fieldValues, type RuleEvent, textOf } from '../sigma/event-fields.ts';
import { foldCase } from '../sigma/fold.ts';
import { compilePattern, type TextTest } from '../sigma/glob.ts';
import { parsePattern } from '../sigma/pattern.ts';
import { RuleError } from '../sigma/rule-error.ts';
import { type Filter, filters } from './filters.ts';
import type { Conditions, Expression } from './mapping-schema.ts';

/** A text out of a record; undefined where it has none. */
export type Read = (record: RuleEvent) => string | undefined;
/** Whether something holds of a record. */
export type Holds = (record: RuleEvent) => boolean;
/** Texts by what they are looked up by. */
export type Tables = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The first text that a field has in a record. */
export function readField(record: RuleEvent, path: string): string | undefined {
  for (const value of fieldValues(record, path) ?? []) {
    const text = textOf(value);
    if (text !== undefined && text !== '') return text;
  }
  return undefined;
}

/** All texts that a field has in a record. */
export const readTexts = (record: RuleEvent, path: string): readonly string[] =>
  (fieldValues(record, path) ?? []).flatMap((value) => textOf(value) || []);

/** @throws RuleError for a filter or a table that there is none of */
export function compileExpression(expression: Expression, tables: Tables): Read {
  if (typeof expression === 'string') return compileTemplate(expression);
  if (isList(expression)) {
    const alternatives = expression.map((one) => compileExpression(one, tables));
    return (record) => {
      for (const read of alternatives) {
        const text = read(record);
        if (text !== undefined) return text;
      }
      return undefined;
    };
  }
  if ('table' in expression) {
    const key = compileExpression(expression.of, tables);
    const look = compileTable(expression.table, tables);
    return (record) => {
      const text = key(record);
      return text === undefined ? undefined : look(text);
    };
  }
  const holds = compileConditions(expression.when);
  const give = compileExpression(expression.give, tables);
  return (record) => (holds(record) ? give(record) : undefined);
}

const isList = (expression: Expression): expression is readonly Expression[] => Array.isArray(expression);

const placeholder = /\{([^{}|]+)((?:\|[a-z_]+)*)\}/g;

function compileTemplate(template: string): Read {
  const parts: (string | Read)[] = [];
  let from = 0;
  for (const { 0: whole, 1: path, 2: names, index } of template.matchAll(placeholder)) {
    if (index > from) parts.push(template.slice(from, index));
    parts.push(compilePlaceholder(path!, names!.split('|').slice(1)));
    from = index + whole.length;
  }
  const rest = template.slice(from);
  if ([rest, ...parts].some((part) => typeof part === 'string' && /[{}]/.test(part)))
    throw new RuleError(`expected {path} or {path|filter} in ${template}`);
  if (parts.length === 0) return () => rest;
  if (rest !== '') parts.push(rest);
  return (record) => {
    let text = '';
    for (const part of parts) {
      const piece = typeof part === 'string' ? part : part(record);
      if (piece === undefined) return undefined;
      text += piece;
    }
    return text;
  };
}

function compilePlaceholder(path: string, names: readonly string[]): Read {
  const steps = names.map((name): Filter => {
    const filter = Object.hasOwn(filters, name) ? filters[name] : undefined;
    if (filter === undefined) throw new RuleError(`there is no filter ${name}`);
    return filter;
  });
  return (record) => {
    let text = readField(record, path);
    for (const step of steps) {
      if (text === undefined) return undefined;
      text = step(text);
    }
    return text;
  };
}

/** Looks a text up: exactly, without regard to case, or else by the first entry with a `*` that fits. */
function compileTable(name: string, tables: Tables): (text: string) => string | undefined {
  const table = Object.hasOwn(tables, name) ? tables[name] : undefined;
  if (table === undefined) throw new RuleError(`there is no table ${name}`);
  const exact = new Map<string, string>();
  const globs: (readonly [TextTest, string])[] = [];
  for (const [key, value] of Object.entries(table)) {
    if (key.includes('*')) globs.push([compilePattern(parsePattern(key), true), value]);
    else exact.set(foldCase(key), value);
  }
  return (text) => {
    const folded = foldCase(text);
    return exact.get(folded) ?? globs.find(([fits]) => fits(folded))?.[1];
  };
}

export function compileConditions(conditions: Conditions): Holds {
  const tests = Object.entries(conditions).map(([path, wanted]): Holds => {
    if (typeof wanted === 'boolean') return (record) => (readField(record, path) !== undefined) === wanted;
    const fits = [wanted].flat().map((text) => compilePattern(parsePattern(text), true));
    return (record) =>
      (fieldValues(record, path) ?? []).some((value) => {
        const text = textOf(value);
        if (text === undefined) return false;
        const folded = foldCase(text);
        return fits.some((test) => test(folded));
      });
  });
  return (record) => tests.every((test) => test(record));
}

/** Every text without placeholders that an expression can give: what of it can be judged before there is a record. */
export function constantsOf(expression: Expression, tables: Tables): readonly string[] {
  if (typeof expression === 'string') return expression.includes('{') ? [] : [expression];
  if (isList(expression)) return expression.flatMap((one) => constantsOf(one, tables));
  if ('give' in expression) return constantsOf(expression.give, tables);
  return Object.values(
    (Object.hasOwn(tables, expression.table) ? tables[expression.table] : undefined) ?? {},
  );
}
