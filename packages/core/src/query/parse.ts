import { SealtrailError } from '../errors.ts';
import { ConditionError, condition, freeText, type Operator, timeBound, type Value } from './condition.ts';
import { type Field, fieldNames, resolveField } from './fields.ts';
import { all, and, type Filter, not, or } from './filter.ts';
import { queryLimits } from './limits.ts';
import { nearestName } from './nearest.ts';

/**
 * Reads the text form of a filter.
 *
 * ```
 * query    = and *( "OR" and )                       OR binds weakest
 * and      = unary *( [ "AND" ] unary )              side by side means AND, also for the same field twice
 * unary    = *( "-" / "NOT" ) ( "(" query ")" / term )
 * term     = name ":" "(" query of values ")"        actor:(u_1 OR u_2)
 *          / name ":" value                          action:user.*   status:500..599   since:24h
 *          / name ( "=" / "<" / "<=" / ">" / ">=" ) value            also after the colon: status:>=500
 *          / value                                   words of any text: login   "wrong password"   fail*
 * value    = bare / quoted [ "*" ]
 * ```
 *
 * Names are those of fields.ts, their aliases, and `since` and `until` for the time of the event (from, and before).
 * A bare value ends at white space, a parenthesis or a quote; `*` in it stands for anything and `\` takes the next
 * character as it is. In a quoted value only `\"` and `\\` are special; `field:"v"*` is anything that begins with v.
 * `field:*` asks that there is any value. What a value means depends on the kind of the field: see {@link Filter}.
 * The empty text matches everything.
 *
 * @param options.nowMs what durations such as `24h` count back from
 * @throws SealtrailError `invalid_query`, naming what was expected and the offset (in UTF-16 code units)
 */
export function parseFilter(text: string, options: { readonly nowMs: number }): Filter {
  if (text.length > queryLimits.length)
    throw new SealtrailError(
      'invalid_query',
      `The query has ${text.length} characters; at most ${queryLimits.length} are read`,
    );
  if (!text.isWellFormed()) throw new SealtrailError('invalid_query', 'The query is not well-formed Unicode');
  const state: State = { text, at: 0, depth: 0, terms: 0, nowMs: options.nowMs };
  skipSpace(state);
  if (state.at === text.length) return all;
  const filter = parseOr(state, undefined);
  if (state.at < text.length) fail(state.at, 'this ) closes nothing');
  return filter;
}

/**
 * One condition given apart from a query, such as a parameter `action=user.*` of a request: `value` is what would stand
 * after the colon, spaces and parentheses included.
 *
 * @throws SealtrailError `invalid_query`
 */
export function fieldFilter(name: string, value: string, options: { readonly nowMs: number }): Filter {
  if (value.length > queryLimits.length || !value.isWellFormed())
    throw new SealtrailError('invalid_query', `The value of ${name} is too long or not well-formed Unicode`);
  const operator = /^(?:<=?|>=?|=)/.exec(value)?.[0] as Operator | undefined;
  const parts: string[] = [''];
  for (let i = operator?.length ?? 0; i < value.length; i++) {
    if (value[i] === '*') parts.push('');
    else {
      if (value[i] === '\\' && i + 1 < value.length) i++;
      parts[parts.length - 1] += value[i]!;
    }
  }
  try {
    return build(name, known(name, 0), operator ?? ':', { parts, quoted: false }, options.nowMs);
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    throw new SealtrailError('invalid_query', `The value of ${name} cannot be used: ${error.message}`);
  }
}

interface State {
  readonly text: string;
  readonly nowMs: number;
  at: number;
  depth: number;
  terms: number;
}

/** A field as it was called: `since` and `until` are names of `time` with a meaning of their own. */
interface Named {
  readonly name: string;
  readonly field: Field;
}

// `group` is set inside `name:( ... )`, where every term is a value of that field.
function parseOr(state: State, group: Named | undefined): Filter {
  const filters = [parseAnd(state, group)];
  while (takeWord(state, 'OR')) filters.push(parseAnd(state, group));
  return or(filters);
}

function parseAnd(state: State, group: Named | undefined): Filter {
  const filters = [parseUnary(state, group)];
  for (;;) {
    skipSpace(state);
    if (state.at === state.text.length || state.text[state.at] === ')' || isWord(state, 'OR')) break;
    takeWord(state, 'AND');
    filters.push(parseUnary(state, group));
  }
  return and(filters);
}

function parseUnary(state: State, group: Named | undefined): Filter {
  skipSpace(state);
  const at = state.at;
  if (takeWord(state, 'NOT') || takeMinus(state)) {
    deeper(state, at);
    const filter = not(parseUnary(state, group));
    state.depth--;
    return filter;
  }
  if (state.text[at] !== '(') return parseTerm(state, group);
  return parseGroup(state, group);
}

function parseGroup(state: State, group: Named | undefined): Filter {
  const at = state.at++;
  deeper(state, at);
  const filter = parseOr(state, group);
  if (state.text[state.at] !== ')') fail(at, 'this ( is never closed');
  state.at++;
  state.depth--;
  return filter;
}

function parseTerm(state: State, group: Named | undefined): Filter {
  const at = state.at;
  if (isWord(state, 'AND') || isWord(state, 'OR')) fail(at, 'expected a search term before this word');
  if (++state.terms > queryLimits.terms) fail(at, `a query has at most ${queryLimits.terms} conditions`);
  if (group !== undefined) {
    const operator = takeComparison(state) ?? ':';
    return refusedAt(state.at, () => build(group.name, group.field, operator, readValue(state), state.nowMs));
  }
  const name = readName(state);
  if (name === undefined) {
    state.at = at;
    const value = readValue(state);
    return refusedAt(at, () => freeText(value));
  }
  const field = known(name, at);
  let operator: Operator = takeComparison(state) ?? ':';
  if (operator === ':') {
    state.at++;
    operator = takeComparison(state) ?? ':';
    if (operator === ':' && state.text[state.at] === '(') return parseGroup(state, { name, field });
  }
  return refusedAt(state.at, () => build(name, field, operator, readValue(state), state.nowMs));
}

function build(name: string, field: Field, operator: Operator, value: Value, nowMs: number): Filter {
  if (name !== 'since' && name !== 'until') return condition(field, operator, value, nowMs);
  if (operator !== ':') throw new ConditionError(`${name} is followed by a colon`);
  return timeBound(name, value, field, nowMs);
}

function known(name: string, at: number): Field {
  const field = resolveField(name === 'since' || name === 'until' ? 'time' : name);
  if (field !== undefined) return field;
  const near = nearestName(name, [...fieldNames, 'since', 'until']);
  const hint =
    name === 'metadata'
      ? 'write metadata.<key>'
      : near === undefined
        ? 'put text that holds a colon or a comparison sign in quotes'
        : `did you mean "${near}"?`;
  return fail(at, `there is no field "${name.slice(0, 64)}"; ${hint}`);
}

/** A name and the sign after it are ahead: takes the name, and stays on the sign. */
function readName(state: State): string | undefined {
  const name = state.text[state.at] === '"' ? readQuoted(state) : readUntil(state, /[\s()":=<>*]/);
  const sign = state.text[state.at];
  if (name === '' || sign === undefined || !':=<>'.includes(sign)) return undefined;
  return name;
}

function readValue(state: State): Value {
  const at = state.at;
  if (state.text[at] === '"') {
    const text = readQuoted(state);
    if (state.text[state.at] !== '*') return { parts: [text], quoted: true };
    state.at++;
    return { parts: [text, ''], quoted: true };
  }
  const parts = [readUntil(state, /[\s()"*]/)];
  while (state.text[state.at] === '*') {
    state.at++;
    parts.push(readUntil(state, /[\s()"*]/));
  }
  if (parts.length === 1 && parts[0] === '')
    fail(at, at === state.text.length ? 'expected more' : 'expected a value');
  return { parts, quoted: false };
}

function readUntil(state: State, end: RegExp): string {
  let text = '';
  for (; state.at < state.text.length && !end.test(state.text[state.at]!); state.at++) {
    if (state.text[state.at] === '\\' && state.at + 1 < state.text.length) state.at++;
    text += state.text[state.at]!;
  }
  return text;
}

function readQuoted(state: State): string {
  const at = state.at++;
  let text = '';
  for (; state.at < state.text.length; state.at++) {
    const char = state.text[state.at]!;
    if (char === '"') {
      state.at++;
      return text;
    }
    const next = state.text[state.at + 1];
    if (char === '\\' && (next === '"' || next === '\\')) state.at++;
    text += state.text[state.at]!;
  }
  return fail(at, 'this quotation mark is never closed');
}

function takeComparison(state: State): '=' | '<' | '<=' | '>' | '>=' | undefined {
  const char = state.text[state.at];
  if (char !== '=' && char !== '<' && char !== '>') return undefined;
  state.at++;
  if (char === '=' || state.text[state.at] !== '=') return char;
  state.at++;
  return char === '<' ? '<=' : '>=';
}

// A minus negates what it touches; alone it is a slip.
function takeMinus(state: State): boolean {
  if (state.text[state.at] !== '-') return false;
  const next = state.text[state.at + 1];
  if (next === undefined || /[\s)]/.test(next)) fail(state.at, 'expected a search term right after -');
  state.at++;
  return true;
}

function isWord(state: State, word: 'AND' | 'OR' | 'NOT'): boolean {
  if (!state.text.startsWith(word, state.at)) return false;
  const next = state.text[state.at + word.length];
  return next === undefined || /[\s()]/.test(next);
}

function takeWord(state: State, word: 'AND' | 'OR' | 'NOT'): boolean {
  skipSpace(state);
  if (!isWord(state, word)) return false;
  state.at += word.length;
  return true;
}

function skipSpace(state: State): void {
  while (state.at < state.text.length && /\s/.test(state.text[state.at]!)) state.at++;
}

function deeper(state: State, at: number): void {
  if (++state.depth > queryLimits.depth)
    fail(at, `parentheses and negations nest at most ${queryLimits.depth} deep`);
}

function refusedAt(at: number, make: () => Filter): Filter {
  try {
    return make();
  } catch (error) {
    if (error instanceof ConditionError) fail(at, error.message);
    throw error;
  }
}

function fail(at: number, message: string): never {
  throw new SealtrailError('invalid_query', `At offset ${at} of the query: ${message}`);
}
