import { encodeBase64 } from '../checkpoint/base64.ts';
import { isAscii } from '../is-ascii.ts';
import { base64Offsets } from './base64-offsets.ts';
import { textOf } from './event-fields.ts';
import type { Scalar } from './located.ts';
import { parseNetwork } from './network.ts';
import {
  literalOf,
  mapLiterals,
  openAtEnd,
  openAtStart,
  type Pattern,
  parsePattern,
  withAnyDash,
  withPlaceholders,
} from './pattern.ts';
import { compileRegex } from './regex.ts';
import { RuleError } from './rule-error.ts';
import {
  type DetectionItem,
  type FieldReference,
  type RegexFlag,
  type RegexValue,
  type RuleValue,
  timeParts,
} from './values.ts';

type ValueModifier = (value: RuleValue, written: Scalar) => RuleValue | readonly RuleValue[];

const kindOf = (value: RuleValue): string =>
  ({
    pattern: 'a text',
    number: 'a number',
    boolean: 'true or false',
    null: 'null',
    re: 'a regular expression',
  })[value.op as string] ?? value.op;

const refuse = (expected: string, value: RuleValue): never => {
  throw new RuleError(`expected ${expected}, found ${kindOf(value)}`);
};

type TextValue = Extract<RuleValue, { op: 'pattern' }>;

const onText =
  (change: (value: TextValue) => RuleValue | readonly RuleValue[]): ValueModifier =>
  (value) =>
    value.op === 'pattern' ? change(value) : refuse('a text', value);

/** Opens a text, a regular expression or a reference to a field at one of its ends, or at both. */
const opened =
  (start: boolean, end: boolean): ValueModifier =>
  (value) => {
    switch (value.op) {
      case 'pattern': {
        const atStart = start ? openAtStart(value.pattern) : value.pattern;
        return { ...value, pattern: end ? openAtEnd(atStart) : atStart };
      }
      // Authors leave the quotation marks off.
      case 'number':
        return opened(start, end)(
          { op: 'pattern', pattern: [textOf(value.value)!], cased: false },
          value.value,
        );
      case 're':
        return openedRegex(value, start, end);
      case 'fieldref':
        // The value of the other field stands at the start, where the end is open.
        return { ...value, atStart: value.atStart || end, atEnd: value.atEnd || start };
      default:
        return refuse('a text', value);
    }
  };

function openedRegex(value: RegexValue, start: boolean, end: boolean): RegexValue {
  let { source } = value;
  if (start && !source.startsWith('^') && !source.startsWith('.*')) source = `.*${source}`;
  if (end && !source.endsWith('$') && !source.endsWith('.*')) source = `${source}.*`;
  return { ...value, source };
}

const flag =
  (name: RegexFlag): ValueModifier =>
  (value) =>
    value.op === 're'
      ? { ...value, flags: [...new Set([...value.flags, name])].sort() }
      : refuse('a regular expression (this modifier stands behind re)', value);

const compared =
  (by: 'lt' | 'lte' | 'gt' | 'gte'): ValueModifier =>
  (value) => {
    if (value.op === 'number') return { op: 'compare', by, value: value.value };
    if (value.op === 'time') return { ...value, by };
    return refuse('a number', value);
  };

/** Text in UTF-16, as its bytes one character each: only of ASCII these are again text. */
const wide = (byteOrder: 'le' | 'be', mark = ''): ValueModifier =>
  onText((value) => ({
    ...value,
    pattern: [
      ...(mark ? [mark] : []),
      ...mapLiterals(value.pattern, (text) => {
        if (!isAscii(text)) throw new RuleError('expected ASCII text before wide, utf16le, utf16be or utf16');
        return [Array.from(text, (char) => (byteOrder === 'le' ? `${char}\0` : `\0${char}`)).join('')];
      }),
    ],
  }));

function plainText(value: TextValue, modifier: string): string {
  const text = literalOf(value.pattern);
  if (text === undefined) throw new RuleError(`expected a text without wildcards before ${modifier}`);
  return text;
}

/** The bytes of a text; a text made by wide has one character a byte, but for its byte order mark. */
const bytesOf = (text: string): Uint8Array =>
  text.startsWith('\ufeff')
    ? Uint8Array.from([0xff, 0xfe, ...Array.from(text.slice(1), (char) => char.charCodeAt(0))])
    : new TextEncoder().encode(text);

/** Modifiers that change each value. Source: Sigma specification, appendix "Modifiers". */
const valueModifiers: Readonly<Record<string, ValueModifier>> = {
  contains: opened(true, true),
  startswith: opened(false, true),
  endswith: opened(true, false),
  cased: (value) =>
    value.op === 'pattern' || value.op === 'fieldref' ? { ...value, cased: true } : refuse('a text', value),
  windash: onText((value) => ({ ...value, pattern: withAnyDash(value.pattern) })),
  wide: wide('le'),
  utf16le: wide('le'),
  utf16be: wide('be'),
  utf16: wide('le', '\ufeff'),
  base64: onText((value) => ({
    ...value,
    encoded: true,
    pattern: patternOf(encodeBase64(bytesOf(plainText(value, 'base64')))),
  })),
  base64offset: onText((value) =>
    base64Offsets(bytesOf(plainText(value, 'base64offset'))).map((text) => ({
      ...value,
      encoded: true,
      pattern: patternOf(text),
    })),
  ),
  re: (value, written) => {
    if (typeof written !== 'string') return refuse('a text', value);
    return { op: 're', source: written, flags: [] };
  },
  i: flag('ignorecase'),
  ignorecase: flag('ignorecase'),
  m: flag('multiline'),
  multiline: flag('multiline'),
  s: flag('dotall'),
  dotall: flag('dotall'),
  cidr: onText((value) => ({ op: 'cidr', network: parseNetwork(plainText(value, 'cidr')).text })),
  exists: (value) =>
    value.op === 'boolean' ? { op: 'exists', expected: value.value } : refuse('true or false', value),
  fieldref: onText(
    (value): FieldReference => ({
      op: 'fieldref',
      field: plainText(value, 'fieldref'),
      atStart: false,
      atEnd: false,
      cased: value.cased,
    }),
  ),
  expand: (value) => {
    if (value.op === 're') return value;
    return value.op === 'pattern'
      ? { ...value, pattern: withPlaceholders(value.pattern) }
      : refuse('a text', value);
  },
  lt: compared('lt'),
  lte: compared('lte'),
  gt: compared('gt'),
  gte: compared('gte'),
  ...Object.fromEntries(
    timeParts.map((part): [string, ValueModifier] => [
      part,
      (value) =>
        value.op === 'number'
          ? { op: 'time', part, by: 'eq', value: value.value }
          : refuse('a number', value),
    ]),
  ),
};

/** Modifiers that say how the values of a key belong together. */
const listModifiers = new Set(['all', 'neq']);

const patternOf = (text: string): Pattern => (text === '' ? [] : [text]);

/** The value of a rule before any modifier. */
function unmodified(value: Scalar): RuleValue {
  switch (typeof value) {
    case 'string':
      return { op: 'pattern', pattern: parsePattern(value), cased: false };
    case 'number':
      return { op: 'number', value };
    case 'boolean':
      return { op: 'boolean', value };
    default:
      return { op: 'null' };
  }
}

/**
 * What a key such as `CommandLine|contains|all` and its values ask for. Modifiers work from left to right.
 *
 * @throws RuleError for what is not understood: a rule is refused rather than half read
 */
export function parseItem(key: string, written: readonly Scalar[]): DetectionItem {
  const [field, ...modifiers] = key.split('|');
  const unknown = modifiers.find((name) => !Object.hasOwn(valueModifiers, name) && !listModifiers.has(name));
  if (unknown !== undefined) throw new RuleError(`there is no modifier ${unknown.slice(0, 64)}`);
  checkOrder(modifiers);
  const values = written.map((value) => {
    let forms: readonly RuleValue[] = [unmodified(value)];
    for (const name of modifiers) {
      const modifier = valueModifiers[name];
      if (modifier) forms = forms.flatMap((form) => modifier(form, value));
    }
    // An expression that cannot be used is a fault of this line, and not of the whole rule.
    for (const form of forms) if (form.op === 're') compileRegex(form);
    return forms;
  });
  return {
    field: field === '' ? undefined : field,
    values,
    link: modifiers.includes('all') ? 'and' : 'or',
    isNegated: modifiers.includes('neq'),
  };
}

function checkOrder(modifiers: readonly string[]): void {
  const values = modifiers.filter((name) => !listModifiers.has(name));
  if (values.indexOf('re') > 0) throw new RuleError('expected re as the first modifier');
  if (values.includes('exists') && modifiers.length > 1)
    throw new RuleError('expected exists as the only modifier');
  const repeated = modifiers.find((name, i) => modifiers.indexOf(name) !== i);
  if (repeated !== undefined) throw new RuleError(`the modifier ${repeated} stands twice`);
}
