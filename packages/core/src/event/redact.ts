import type { Event, JsonValue } from './event.ts';
import { eventLimits } from './limits.ts';
import { createNameMatcher, isWorkingDirectory, sensitiveKeys } from './secret-names.ts';
import { mayHoldSecretValue, secretValues } from './secret-parameters.ts';
import { type PatternKind, valuePatterns } from './secret-patterns.ts';

/** Kinds of secret values that are found by their form. */
export type ValuePattern = keyof typeof valuePatterns;

/** What is removed from events before they are stored. */
export interface RedactionRules {
  /**
   * Field paths such as `actor.email` or `metadata.card.number`; `*` stands for any one step, and the elements of an
   * array need no step. Text becomes a mark, and so does anything in metadata and in what changed; other members are
   * left out. What an entry cannot be without (`id`, `time`, `action`, ...) stays as it is.
   */
  readonly paths?: readonly string[] | undefined;
  /**
   * Names whose values are removed: of keys wherever they stand in metadata and in what changed, of changed fields
   * (`changes[].field`), and of parameters in any text (`?password=...`). Each stands for its spellings and for names that end in it, as {@link createNameMatcher} says;
   * default: {@link sensitiveKeys}. `null`, `true` and `false` are no secrets and stay.
   */
  readonly keys?: readonly string[] | undefined;
  /** Which of {@link valuePatterns} to look for; default: all. */
  readonly patterns?: readonly ValuePattern[] | undefined;
}

/** Removes what the rules name. Returns the event itself when there was nothing to look for. */
export type Redactor = (event: Event, canonicalText: string) => Event;

type Kinds = readonly (readonly [name: ValuePattern, kind: PatternKind])[];

const mark = (kind: string): string => `[redacted:${kind}]`;

/** What an entry cannot be without, or what is structure and not content: never altered. */
const kept = new Set([
  'action',
  'actor.type',
  'changes.field',
  'id',
  'producer',
  'schemaVersion',
  'targets.type',
  'tenant',
  'time',
  'trail',
]);

/** Texts of which only certain ones are valid: left out, since a mark is none of them. */
const restricted = new Set(['category', 'outcome', 'severity', 'source.ip']);

/** Where any JSON may stand. */
const isFreeForm = (place: string): boolean =>
  /^(?:metadata\.|changes\.(?:after|before)(?:\.|$))/.test(place);

/**
 * Compiles rules into a redactor. It looks for hints in the canonical text of an event, where escapes cannot hide a
 * pattern, and for names in the few places that have names, and takes the event apart only on a hit.
 */
export function createRedactor(rules: RedactionRules = {}): Redactor {
  const kinds: Kinds = (rules.patterns ?? (Object.keys(valuePatterns) as ValuePattern[])).map((name) => [
    name,
    valuePatterns[name],
  ]);
  const keys = rules.keys ?? sensitiveKeys;
  const isSecret = createNameMatcher(keys);
  const redactText = compileRedactText(kinds, keys.length > 0 ? isSecret : undefined);
  const paths = (rules.paths ?? []).map((path) => path.split('.'));
  const mayContain = compileHint(kinds);

  return (event, canonicalText) => {
    let result = event;
    if (
      mayContain(canonicalText) ||
      (keys.length > 0 && (mayHoldSecretValue(canonicalText, isSecret) || hasName(event, isSecret)))
    )
      result = redactEvent(event, redactText, isSecret);
    for (const path of paths) result = redactPath(result, path, 0, '') as Event;
    return result;
  };
}

/** Whether a pattern could be found at all: with {@link hasName} the one thing that every event pays for. */
function compileHint(kinds: Kinds): (text: string) => boolean {
  const texts = kinds.flatMap(([, { hints }]) => (hints instanceof RegExp ? [] : hints.map(escapeRegExp)));
  const expressions = kinds.flatMap(([, { hints }]) => (hints instanceof RegExp ? [hints] : []));
  // One pass for all texts: a search for each takes four times as long.
  if (texts.length > 0) expressions.unshift(new RegExp(texts.join('|')));
  return (text) => expressions.some((hint) => hint.test(text));
}

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/** Whether a name that is looked for stands where names can stand. */
function hasName({ metadata, changes }: Event, isSecret: (name: string) => boolean): boolean {
  const isWithin = (value: JsonValue | undefined): boolean => {
    if (typeof value !== 'object' || value === null) return false;
    if (Array.isArray(value)) return value.some(isWithin);
    for (const key in value) {
      if (isSecret(key) || isWithin((value as Readonly<Record<string, JsonValue>>)[key])) return true;
    }
    return false;
  };
  return (
    isWithin(metadata) ||
    (changes?.some(({ field, before, after }) => isSecret(field) || isWithin(before) || isWithin(after)) ??
      false)
  );
}

type RedactText = (text: string) => string;

/**
 * Whether a value is the id of an AWS access key where the id of one belongs. It opens nothing without the key itself, and
 * says which key did something: anywhere else it goes, since the key is often beside it.
 */
const isKeyId = (name: string, value: string): boolean =>
  /^(?:aws_?)?access_?key_?id$/i.test(name) && /^(?:AKIA|ASIA)[A-Z0-9]{16}$/.test(value);

function redactEvent(event: Event, redactText: RedactText, isSecret: (name: string) => boolean): Event {
  const inJson = (value: JsonValue, key: string | undefined): JsonValue => {
    if (key !== undefined && value !== null && typeof value !== 'boolean' && isSecret(key))
      return typeof value === 'string' && isWorkingDirectory(key, value) ? redactText(value) : mark('key');
    if (typeof value === 'string')
      return key !== undefined && isKeyId(key, value) ? value : redactText(value);
    if (typeof value === 'number') {
      const text = String(value);
      const redacted = redactText(text);
      return redacted === text ? value : redacted;
    }
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((element: JsonValue) => inJson(element, undefined));
    const names = new Set<string>();
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [
        redactKey(name, redactText, names),
        inJson(member, name),
      ]),
    );
  };
  const members = Object.entries(event).map(([name, member]): [string, unknown] => {
    if (kept.has(name) || member === undefined) return [name, member];
    if (name === 'metadata') return [name, inJson(member as JsonValue, undefined)];
    if (name !== 'changes') return [name, redactKnown(member, redactText)];
    const changes = (member as NonNullable<Event['changes']>).map((change) => ({
      ...(change.after !== undefined && { after: inJson(change.after, change.field) }),
      ...(change.before !== undefined && { before: inJson(change.before, change.field) }),
      field: redactText(change.field),
    }));
    return [name, changes];
  });
  return Object.fromEntries(members) as Event;
}

/** Redacts patterns in members that the schema knows: numbers and key names mean nothing there. */
function redactKnown(value: unknown, redactText: RedactText): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((element) => redactKnown(element, redactText));
  return Object.fromEntries(
    // The method of a request is the one text too short for a mark beside what it holds.
    Object.entries(value).map(([name, member]) => [
      name,
      name === 'method' ? member : redactKnown(member, redactText),
    ]),
  );
}

/**
 * A key of free-form JSON, which may hold a secret itself, as where requests are counted by token. It goes as a whole:
 * what is left of it beside a mark could be taken for the name of a secret.
 *
 * @param names those that the object has already: two such keys stay two members
 */
function redactKey(key: string, redactText: RedactText, names: Set<string>): string {
  const wanted = redactText(key) === key ? key : mark('text');
  let name = wanted;
  for (let i = 2; names.has(name); i++) name = `${wanted} ${i}`;
  names.add(name);
  return name;
}

/** The longest texts that fields take, in ascending order. */
const textLimits = [eventLimits.shortText, eventLimits.email, eventLimits.path, eventLimits.longText];

function compileRedactText(kinds: Kinds, isSecret: ((name: string) => boolean) | undefined): RedactText {
  return (text) => {
    let result = text;
    for (const [name, kind] of kinds) {
      const replace = kind.replace ?? ((_match: string, replacement: string) => replacement);
      result = result.replace(kind.find, (match) => replace(match, mark(name)));
    }
    // Last: of `authorization=Bearer ...` the name alone would take the first word only.
    if (isSecret) result = redactValues(result, isSecret);
    // A mark may be longer than what it stands for; the field it is in takes no more than its limit.
    const room = textLimits.find((limit) => text.length <= limit);
    return room !== undefined && result.length > room ? mark('text') : result;
  };
}

function redactValues(text: string, isSecret: (name: string) => boolean): string {
  let result = '';
  let from = 0;
  for (const { start, end } of secretValues(text, isSecret)) {
    result += text.slice(from, start) + mark('key');
    from = end;
  }
  return from === 0 ? text : result + text.slice(from);
}

/**
 * Removes what is at a path. `place` is where `value` stands, in names of members; undefined stands for a member that
 * is left out.
 */
function redactPath(value: unknown, path: readonly string[], depth: number, place: string): unknown {
  if (value === undefined || value === null || kept.has(place)) return value;
  if (depth === path.length) {
    if (isFreeForm(place)) return mark('path');
    return typeof value === 'string' && !restricted.has(place) ? mark('path') : undefined;
  }
  const step = path[depth]!;
  if (Array.isArray(value)) {
    const next = step === '*' ? depth + 1 : depth;
    const elements = value.map((element) => redactPath(element, path, next, place));
    if (elements.every((element, i) => element === value[i])) return value;
    return elements.filter((element) => element !== undefined);
  }
  if (typeof value !== 'object') return value;
  let isChanged = false;
  const members: [string, unknown][] = [];
  for (const [name, member] of Object.entries(value)) {
    const isMeant = step === '*' || step === name;
    const left = isMeant ? redactPath(member, path, depth + 1, placeOf(place, name)) : member;
    isChanged ||= left !== member;
    if (left !== undefined) members.push([name, left]);
  }
  return isChanged ? Object.fromEntries(members) : value;
}

const placeOf = (place: string, name: string): string => (place === '' ? name : `${place}.${name}`);
