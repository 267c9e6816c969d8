/**
 * Names whose values never belong into an audit log, in small words. Each stands for all of its spellings, and for names
 * that end in it: see {@link createNameMatcher}.
 */
export const sensitiveKeys = [
  'password',
  'password_confirmation',
  'password_hash',
  'passwd',
  'passphrase',
  'pwd',
  'secret',
  'client_secret',
  'secret_key',
  'secret_access_key',
  'token',
  'access_token',
  'refresh_token',
  'id_token',
  'authorization',
  'cookie',
  'set_cookie',
  'api_key',
  'private_key',
  'credential',
  'credentials',
  'card_number',
  'cvv',
  'cvc',
  'otp',
  'totp',
  'pin',
] as const;

/**
 * Whether a value under the name `pwd` is the directory that somebody worked in, and no password: programs of Unix call it so,
 * and logs of sudo do.
 */
export const isWorkingDirectory = (name: string, value: string): boolean =>
  /^pwd$/i.test(name) && /^[/~](?:[\w.@+~ -]*\/)*[\w.@+~ -]*$/.test(value);

/** Letters with the digits behind them, or digits alone; a capital begins a word, and a run of capitals is one. */
const words = /\p{Lu}?[\p{Ll}\p{Lt}\p{Lm}\p{Lo}\p{M}]+\p{N}*|(?:\p{Lu}(?!\p{Ll}))+\p{N}*|\p{N}+/gu;

/** Names come again and again: what was found about so many of them is kept. */
const maxKnownNames = 4096;

/**
 * Compiles names into a test of keys and field paths. It compares words, in any case: `userPassword`, `user_password`,
 * `user-password`, `user.password`, `user["password"]`, `users/7/password`, `PASSWORD`, and with numbers behind it
 * (`password2`, `password[0]`) all end in the word `password`. Several words of a name may also stand as one (`apikey`).
 * What only contains a name does not match: neither `compass` and `tokens`, nor `passwordChangedAt` and `token_count`.
 *
 * A name without any letter or digit is compared as it is.
 */
export function createNameMatcher(names: readonly string[]): (name: string) => boolean {
  const literal = new Set(names.map((name) => name.toLowerCase()));
  const joined = new Set(names.map((name) => wordsOf(name).join('')));
  joined.delete('');
  const maxLength = Math.max(0, ...Array.from(joined, ({ length }) => length));

  /** Whether the last words, written as one, are a name. */
  const endsInName = (parts: readonly string[]): boolean => {
    let end = '';
    for (let i = parts.length - 1; i >= 0 && end.length < maxLength; i--) {
      end = parts[i]! + end;
      if (joined.has(end)) return true;
    }
    return false;
  };
  const matches = (name: string): boolean => {
    if (literal.has(name.toLowerCase())) return true;
    const parts = wordsOf(name);
    return endsInName(parts) || endsInName(withoutNumber(parts));
  };

  const endings = endingsOf(names);
  const known = new Map<string, boolean>();
  return (name) => {
    if (endings && !endings.has(endingOf(name))) return false;
    let isMatch = known.get(name);
    if (isMatch === undefined) {
      isMatch = matches(name);
      if (known.size >= maxKnownNames) known.clear();
      known.set(name, isMatch);
    }
    return isMatch;
  };
}

/** How many of its last letters decide of most names at once that they are none of those looked for. */
const endingLength = 3;
/** Of a name that has letters beyond ASCII in it. */
const UNKNOWN_ENDING = -1;
/** Endings below it are of names with fewer letters. */
const leastEnding = 32 ** (endingLength - 1);

/**
 * The last letters of a name in small, as one number, whatever stands between and behind them. A name that ends in the
 * words of another has its ending.
 */
function endingOf(name: string): number {
  let ending = 0;
  for (let at = name.length - 1, letters = 0; at >= 0; at--) {
    const code = name.charCodeAt(at);
    if (code > 0x7f) return UNKNOWN_ENDING;
    const small = code | 0x20;
    if (small < 0x61 || small > 0x7a) continue;
    ending = ending * 32 + (small - 0x60);
    if (++letters === endingLength) break;
  }
  return ending;
}

/** The endings of names that can be meant; undefined where one of those looked for has none, or is told by digits. */
function endingsOf(names: readonly string[]): ReadonlySet<number> | undefined {
  const endings = new Set(names.map(endingOf));
  const haveAll = names.every((name) => endingOf(name) >= leastEnding && !/\d/.test(name));
  return haveAll ? endings.add(UNKNOWN_ENDING) : undefined;
}

const wordsOf = (name: string): string[] => name.match(words)?.map((word) => word.toLowerCase()) ?? [];

/** Words without the number they end in: `password`, `2` and `password2` are both `password`. */
function withoutNumber(parts: readonly string[]): string[] {
  const end = parts.findLastIndex((part) => !isNumber(part));
  return parts.slice(0, end + 1).map((part, i) => (i === end ? part.match(/^\P{N}+/u)![0] : part));
}

const isNumber = (part: string): boolean => /^\p{N}/u.test(part);
