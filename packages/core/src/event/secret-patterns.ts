/** A kind of secret value: how to find it in a text, and what stands in its place. */
export interface PatternKind {
  readonly find: RegExp;
  /** Texts one of which every match contains, or a cheap expression that every match satisfies. */
  readonly hints: readonly string[] | RegExp;
  /** What a match becomes; the mark alone when absent. */
  readonly replace?: (match: string, mark: string) => string;
}

/**
 * Kinds of secret values. Every pattern is linear, since event text is attacker-controlled: an unbounded run is looked at
 * from its beginning only, which the assertion in front sees to.
 */
export const valuePatterns = {
  bearer_token: {
    hints: ['earer', 'EARER', 'asic', 'ASIC'],
    find: /\b[Bb](?:earer|EARER|asic|ASIC)(?:\s|%20){1,8}[A-Za-z0-9._~+/=-]{16,}/g,
    replace: (match, mark) => `${match.slice(0, match.search(/\s|%/))} ${mark}`,
  },
  json_web_token: {
    hints: ['eyJ'],
    // The lookahead finds the first eyJ of a run and, unlike a quantifier, never tries the next one.
    find: /(?<![\w-])(?=([\w-]*?eyJ))\1[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*/g,
    replace: (match, mark) => `${match.slice(0, match.indexOf('eyJ'))}${mark}`,
  },
  private_key: {
    hints: ['PRIVATE KEY'],
    // A key that was cut off has no end: everything after its beginning goes.
    find: /-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!-{4}))*(?:-----END [A-Z0-9 ]{0,48}-----)?/g,
  },
  url_password: {
    hints: ['://'],
    find: /\b[a-z][a-z0-9+.-]{1,31}:\/\/[^\s/?#:@"']{0,256}:[^\s/?#"']{1,256}@/gi,
    replace: (match, mark) => `${match.slice(0, match.indexOf(':', match.indexOf('://') + 3) + 1)}${mark}@`,
  },
  card_number: {
    // Written out, since the engine finds that five times as fast as a counted group.
    hints: new RegExp(`\\d${'[ .\\u00a0\\u2013-]?\\d'.repeat(12)}`),
    find: /(?<![\w-]|\d[ .\u00a0\u2013])\d(?:[ .\u00a0\u2013-]?\d){12,}(?![\w-])/g,
    replace: redactCards,
  },
  access_key: {
    hints: ['AKIA', 'ASIA', 'ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'xox', 'sk_live_', 'stk_'],
    find: /(?<![A-Za-z0-9])(?:(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{30,}|xox[abeprs]-[\w-]{10,}|sk_live_\w{16,}|stk_[A-Za-z0-9]{16,})/g,
  },
} as const satisfies Record<string, PatternKind>;

/**
 * Marks card numbers in a run of digits, whose groups are parted by single spaces, dashes or dots: `4111 1111 1111 1111 123`
 * is a card number and the check number printed beside it. A card number is made of whole groups.
 */
function redactCards(run: string, mark: string): string {
  // A UUID that happens to be all digits.
  if (/^\d{8}-\d{4}-\d{4}-\d{4}-\d{12}$/.test(run)) return run;
  const digits = run.replace(/\D/g, '');
  const places = Array.from(run.matchAll(/\d/g), ({ index }) => index);
  const isBoundary = (i: number): boolean =>
    i === 0 || i === digits.length || places[i]! - places[i - 1]! > 1;
  let result = '';
  let from = 0;
  for (let i = 0; i < digits.length; i++) {
    if (!isBoundary(i)) continue;
    const length = cardLengths(Number(digits.slice(i, i + 4))).find(
      (length) =>
        i + length <= digits.length && isBoundary(i + length) && hasCheckDigit(digits, i, i + length),
    );
    if (length === undefined) continue;
    result += run.slice(from, places[i]!) + mark;
    i += length - 1;
    from = places[i]! + 1;
  }
  return result + run.slice(from);
}

/** Whether these digits are a card number: order numbers of 16 digits mostly are none. */
export function isCardNumber(digits: string): boolean {
  return (
    cardLengths(Number(digits.slice(0, 4))).includes(digits.length) && hasCheckDigit(digits, 0, digits.length)
  );
}

/** How many digits the cards of an issuer have, by the first four of them (ISO/IEC 7812). */
function cardLengths(prefix: number): readonly number[] {
  const isWithin = (from: number, to: number): boolean => prefix >= from && prefix <= to;
  if (isWithin(4000, 4999)) return [13, 16, 19];
  if (isWithin(5100, 5599) || isWithin(2221, 2720)) return [16];
  if (isWithin(3400, 3499) || isWithin(3700, 3799)) return [15];
  if (isWithin(3000, 3059) || isWithin(3600, 3699) || isWithin(3800, 3899)) return [14];
  if (prefix === 6011 || isWithin(6440, 6599) || isWithin(3500, 3599)) return [16];
  if (isWithin(6200, 6299)) return [16, 17, 18, 19];
  return [];
}

/** The check digit of ISO/IEC 7812 (Luhn). */
function hasCheckDigit(digits: string, start: number, end: number): boolean {
  let sum = 0;
  for (let i = 0; i < end - start; i++) {
    const digit = digits.charCodeAt(end - 1 - i) - 48;
    const doubled = i % 2 === 0 ? digit : digit * 2;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
