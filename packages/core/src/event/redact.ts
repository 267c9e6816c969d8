import type { Event, JsonValue } from './event.ts';

/** What is removed from events before they are stored. */
export interface RedactionRules {
  /** Field paths such as `actor.email` or `metadata.card.number`; `*` stands for any one step. */
  readonly paths?: readonly string[] | undefined;
  /** Names of keys whose values are removed wherever they stand in metadata, and of changed fields; case-insensitive. */
  readonly keys?: readonly string[] | undefined;
  /** Which of {@link valuePatterns} to look for; default: all. */
  readonly patterns?: readonly ValuePattern[] | undefined;
}

/** Kinds of secret values that are found by their form. */
export type ValuePattern = keyof typeof valuePatterns;

/** A kind of secret value: how to find it in a text, and what a match must also satisfy. */
interface PatternKind {
  readonly find: RegExp;
  /** Texts one of which every match contains, or a cheap expression that every match satisfies. */
  readonly hints: readonly string[] | RegExp;
  /** The part of the match to keep in front of the mark. */
  readonly keep?: (match: string) => string;
  readonly confirm?: (match: string) => boolean;
}

/** Every pattern is linear: no nested or overlapping quantifiers, since event text is attacker-controlled. */
export const valuePatterns = {
  bearer_token: {
    hints: ['earer ', 'EARER ', 'asic ', 'ASIC '],
    find: /\b(?:[Bb]earer|BEARER|[Bb]asic|BASIC) {1,4}[A-Za-z0-9._~+/=-]{16,4096}/g,
    keep: (match) => match.slice(0, match.search(/\s/)),
  },
  json_web_token: { hints: ['eyJ'], find: /\beyJ[\w-]{8,4096}\.eyJ[\w-]{8,4096}\.[\w-]{0,4096}/g },
  private_key: {
    hints: ['PRIVATE KEY'],
    find: /-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY-----[^-]{0,16384}(?:-----END [A-Z0-9 ]{0,32}PRIVATE KEY-----)?/g,
  },
  url_password: {
    hints: ['://'],
    find: /\b[a-z][a-z0-9+.-]{1,31}:\/\/[^\s/?#:@"']{0,256}:[^\s/?#@"']{1,256}@/gi,
    keep: (match) => match.slice(0, match.lastIndexOf(':') + 1),
  },
  card_number: {
    hints: /\d(?:[ -]?\d){12}/,
    find: /(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])/g,
    confirm: isCardNumber,
  },
  access_key: {
    hints: ['AKIA', 'ASIA', 'ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'xox', 'sk_live_', 'stk_'],
    find: /\b(?:(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_\w{30,255}|xox[abeprs]-[\w-]{10,255}|sk_live_\w{16,255}|stk_\w{16,255})/g,
  },
} as const satisfies Record<string, PatternKind>;

/** Key names whose values never belong into an audit log. */
export const sensitiveKeys = [
  'password',
  'passwd',
  'passphrase',
  'pwd',
  'secret',
  'client_secret',
  'clientsecret',
  'token',
  'access_token',
  'accesstoken',
  'refresh_token',
  'refreshtoken',
  'id_token',
  'authorization',
  'cookie',
  'set-cookie',
  'api_key',
  'apikey',
  'private_key',
  'privatekey',
  'credential',
  'credentials',
  'card_number',
  'cardnumber',
  'cvv',
  'cvc',
  'otp',
  'totp',
  'pin',
] as const;

/** Removes what the rules name. Returns the event itself when nothing was found. */
export type Redactor = (event: Event, canonicalText: string) => Event;

const mark = (kind: string): string => `[redacted:${kind}]`;

/** Members that are structure, not content: never looked into by patterns. */
const exempt = new Set(['id', 'time', 'trail', 'schemaVersion', 'action', 'producer']);

/**
 * Compiles rules into a redactor. It looks for hints in the canonical text of an event, where escapes cannot hide a
 * pattern, and takes the event apart only on a hit.
 */
export function createRedactor(rules: RedactionRules = {}): Redactor {
  const kinds = (rules.patterns ?? (Object.keys(valuePatterns) as ValuePattern[])).map(
    (name): [string, PatternKind] => [name, valuePatterns[name]],
  );
  const keys = new Set((rules.keys ?? sensitiveKeys).map((key) => key.toLowerCase()));
  const paths = (rules.paths ?? []).map((path) => path.split('.'));
  const mayContain = compileHint(kinds, keys);

  return (event, canonicalText) => {
    let result = event;
    if (mayContain(canonicalText)) result = redactEvent(event, kinds, keys);
    for (const path of paths) result = redactPath(result, path, 0) as Event;
    return result;
  };
}

/** Whether anything could be found at all: the one thing that every event pays for. */
function compileHint(
  kinds: readonly [string, PatternKind][],
  keys: ReadonlySet<string>,
): (text: string) => boolean {
  // One expression for all fixed texts: a search for each of them in turn costs three times as much.
  const texts = kinds.flatMap(([, kind]) => (kind.hints instanceof RegExp ? [] : kind.hints));
  const expressions = kinds.flatMap(([, kind]) => (kind.hints instanceof RegExp ? [kind.hints] : []));
  if (texts.length > 0) expressions.unshift(new RegExp(texts.map(escapeRegExp).join('|')));
  if (keys.size > 0) expressions.unshift(new RegExp(`"(?:${[...keys].map(escapeRegExp).join('|')})"`, 'i'));
  return (text) => expressions.some((hint) => hint.test(text));
}

const escapeRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function redactEvent(
  event: Event,
  kinds: readonly [string, PatternKind][],
  keys: ReadonlySet<string>,
): Event {
  const inJson = (value: JsonValue, key: string | undefined): JsonValue => {
    if (key !== undefined && value !== null && keys.has(key.toLowerCase())) return mark('key');
    if (typeof value === 'string') return redactText(value, kinds);
    if (typeof value === 'number') {
      const text = String(value);
      const redacted = redactText(text, kinds);
      return redacted === text ? value : redacted;
    }
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((element: JsonValue) => inJson(element, undefined));
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, inJson(member, name)]));
  };
  const members = Object.entries(event).map(([name, member]): [string, unknown] => {
    if (exempt.has(name) || member === undefined) return [name, member];
    if (name === 'changes') {
      const changes = member as NonNullable<Event['changes']>;
      return [
        name,
        changes.map((change) =>
          keys.has(change.field.toLowerCase())
            ? {
                ...(change.after !== undefined && { after: mark('key') }),
                ...(change.before !== undefined && { before: mark('key') }),
                field: change.field,
              }
            : inJson(change as JsonValue, undefined),
        ),
      ];
    }
    if (name === 'metadata') return [name, inJson(member as JsonValue, undefined)];
    return [name, redactKnown(member, kinds)];
  });
  return Object.fromEntries(members) as Event;
}

/** Redacts patterns in members that the schema knows: numbers and key names mean nothing there. */
function redactKnown(value: unknown, kinds: readonly [string, PatternKind][]): unknown {
  if (typeof value === 'string') return redactText(value, kinds);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((element) => redactKnown(element, kinds));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, redactKnown(member, kinds)]),
  );
}

function redactText(text: string, kinds: readonly [string, PatternKind][]): string {
  let result = text;
  for (const [name, kind] of kinds) {
    result = result.replace(kind.find, (match) => {
      if (kind.confirm && !kind.confirm(match)) return match;
      const tail = name === 'url_password' ? '@' : '';
      const kept = kind.keep?.(match) ?? '';
      return `${kept}${kept && name === 'bearer_token' ? ' ' : ''}${mark(name)}${tail}`;
    });
  }
  return result;
}

function redactPath(value: unknown, path: readonly string[], depth: number): unknown {
  if (value === undefined || value === null) return value;
  if (depth === path.length) return mark('path');
  if (Array.isArray(value)) {
    return value.map((element) =>
      redactPath(element, path[depth] === '*' ? path : path, path[depth] === '*' ? depth + 1 : depth),
    );
  }
  if (typeof value !== 'object') return value;
  const step = path[depth]!;
  const object = value as Record<string, unknown>;
  if (step !== '*' && !Object.hasOwn(object, step)) return value;
  return Object.fromEntries(
    Object.entries(object).map(([name, member]) => [
      name,
      step === '*' || step === name ? redactPath(member, path, depth + 1) : member,
    ]),
  );
}

/** Issuer ranges and the check digit of ISO/IEC 7812: order numbers of 16 digits are mostly no card numbers. */
function isCardNumber(match: string): boolean {
  const digits = match.replace(/\D/g, '');
  const issuer =
    /^(?:4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|4[4-9]\d|5\d\d)\d{12}|35\d{14}|62\d{14,17})$/;
  if (!issuer.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    const doubled = i % 2 === 0 ? digit : digit * 2;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
