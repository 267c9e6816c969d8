import { isWorkingDirectory } from './secret-names.ts';

/** Longer names are none that are looked for. */
const maxNameLength = 128;

/** What neither is in a name nor, before one, keeps it from being read: white space and what parts parameters. */
const isNameBorder = (code: number): boolean => code <= 0x20 || borders.has(code);
const borders: ReadonlySet<number> = new Set(Array.from('"#&\'(),/;<=>?\\', (char) => char.charCodeAt(0)));

/** Where a value stands in a text. */
interface Place {
  readonly start: number;
  readonly end: number;
}

/**
 * Finds parameters with secret names in any text, such as `?password=...` in a URL or `token=...` in a query string of its
 * own: the places of their values.
 *
 * Attacker-controlled input: every character is looked at by one equals sign at most, and by one value.
 */
export function* secretValues(text: string, isSecret: (name: string) => boolean): Generator<Place> {
  for (let equals = text.indexOf('='); equals >= 0; ) {
    const start = equals + 1;
    const nameStart = startOfName(text, equals);
    let next = start;
    const name = decoded(text.slice(nameStart, equals));
    if (nameStart < equals && isSecret(name)) {
      const value = valueAt(text, start, text[nameStart - 1]);
      if (value.end > value.start && !isWorkingDirectory(name, text.slice(value.start, value.end))) {
        yield value;
        next = value.end;
      }
    }
    equals = text.indexOf('=', next);
  }
}

/**
 * Whether {@link secretValues} could find something in one of the texts of a JSON text. For most events this is one search
 * for a character.
 */
export function mayHoldSecretValue(json: string, isSecret: (name: string) => boolean): boolean {
  for (let equals = json.indexOf('='); equals >= 0; equals = json.indexOf('=', equals + 1)) {
    const nameStart = startOfName(json, equals);
    if (nameStart === equals) continue;
    if (isSecret(decoded(json.slice(nameStart, equals)))) return true;
    // Behind a backslash stands what it escapes: the line that a name begins may have been broken there.
    if (json[nameStart - 1] === '\\' && isSecret(decoded(json.slice(nameStart + 1, equals)))) return true;
  }
  return false;
}

/** Where the name in front of an equals sign begins; at the sign itself where it is too long or empty. */
function startOfName(text: string, equals: number): number {
  let start = equals;
  while (start > 0 && !isNameBorder(text.charCodeAt(start - 1))) {
    if (equals - start === maxNameLength) return equals;
    start--;
  }
  return start;
}

const inUrl = /[&#\s"<>]|$/g;
const behindSemicolon = /[&#\s"<>;]|$/g;
const closing = { '"': /"|$/g, "'": /'|$/g } as const;

/** A value: within quotation marks, or up to what parts it from what follows. */
function valueAt(text: string, start: number, beforeName: string | undefined): Place {
  const quote = text[start];
  if (quote === '"' || quote === "'")
    return { start: start + 1, end: firstMatch(text, closing[quote], start + 1) };
  // `;` parts parameters only where it has done so before: in a URL it may be a part of the password.
  return { start, end: firstMatch(text, beforeName === ';' ? behindSemicolon : inUrl, start) };
}

function firstMatch(text: string, border: RegExp, from: number): number {
  border.lastIndex = from;
  return border.exec(text)!.index;
}

/** A name as it was meant: `user%5Bpassword%5D` is `user[password]`. */
function decoded(name: string): string {
  if (!name.includes('%')) return name;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
