import { escapePointer } from './scan.ts';

/** What to look for in a JSON text. */
interface Wanted {
  /** Asked of each key, with those of its object that come before it. */
  readonly key?: (key: string, before: ReadonlySet<string>) => boolean;
  /** Asked of each number as it is written. */
  readonly number?: (text: string) => boolean;
}

/**
 * JSON Pointer of the first object key that its object names twice, or undefined. The slow path behind the comparison
 * of key counts: `text` is valid JSON, within the limits of an event.
 */
export function findDuplicateKey(text: string): string | undefined {
  return findPlace(text, { key: (key, before) => before.has(key) });
}

/**
 * JSON Pointer of the first number that is another one once it is parsed, or undefined: of `1e-400` nothing is left, and
 * of `12345678901234.567` the last digit. The slow path behind {@link ScannedValue.hasLongNumber}.
 */
export function findRoundedNumber(text: string): string | undefined {
  return findPlace(text, { number: (number) => !isKept(number) });
}

function findPlace(text: string, wanted: Wanted): string | undefined {
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[-\d][\d.eE+-]*/g;
  const open: { keys: Set<string> | undefined; key: string; index: number }[] = [];
  const place = (): string => open.map((o) => `/${o.keys ? escapePointer(o.key) : o.index}`).join('');
  let previous = '';
  for (const [token] of text.matchAll(tokens)) {
    const top = open.at(-1);
    if (token === '{') open.push({ keys: new Set(), key: '', index: 0 });
    else if (token === '[') open.push({ keys: undefined, key: '', index: 0 });
    else if (token === '}' || token === ']') open.pop();
    else if (token === ',' && top) top.index++;
    else if (token === ':' && top?.keys) {
      top.key = JSON.parse(previous) as string;
      if (wanted.key?.(top.key, top.keys)) return place();
      top.keys.add(top.key);
    } else if (/^[-\d]/.test(token) && wanted.number?.(token)) return place();
    previous = token;
  }
  return undefined;
}

/** Significant digits that a double (IEEE 754 binary64) can tell apart everywhere. */
const maxDigits = 17;

/**
 * Whether a number reads as it was written, once it is a double: in the form in which entries hold it (RFC 8785), or
 * with as many digits as were sent, up to what a double is good for. `0.1` and `0.10000000000000001`, which is the same
 * double, are both kept.
 */
export function isKept(text: string): boolean {
  const sent = decimalOf(text);
  const value = Number(text);
  if (isSame(sent, decimalOf(String(value)))) return true;
  const { length } = sent.digits;
  return length > 0 && length <= maxDigits && isSame(sent, decimalOf(value.toPrecision(length)));
}

/** A number as its significant digits and the power of ten that the last of them stands for. No digits are zero. */
interface Decimal {
  readonly digits: string;
  readonly exponent: number;
}

function isSame(a: Decimal, b: Decimal): boolean {
  return a.digits === b.digits && (a.exponent === b.exponent || a.digits === '');
}

/** Of a JSON number without regard to its sign, which a double keeps. */
function decimalOf(text: string): Decimal {
  const [, whole = '', fraction = '', power = '0'] =
    /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = whole + fraction;
  let start = 0;
  while (digits[start] === '0') start++;
  let end = digits.length;
  while (end > start && digits[end - 1] === '0') end--;
  return {
    digits: digits.slice(start, end),
    exponent: Number(power) - fraction.length + digits.length - end,
  };
}
