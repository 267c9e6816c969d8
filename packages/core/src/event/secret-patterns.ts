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
    hints: ['earer ', 'EARER ', 'asic ', 'ASIC '],
    find: /\b(?:[Bb]earer|BEARER|[Bb]asic|BASIC) {1,4}[A-Za-z0-9._~+/=-]{16,}/g,
    replace: (match, mark) => `${match.slice(0, match.indexOf(' '))} ${mark}`,
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
    find: /\b[a-z][a-z0-9+.-]{1,31}:\/\/[^\s/?#:@"']{0,256}:[^\s/?#@"']{1,256}@/gi,
    replace: (match, mark) => `${match.slice(0, match.indexOf(':', match.indexOf('://') + 3) + 1)}${mark}@`,
  },
  card_number: {
    hints: /\d(?:[ -]?\d){12}/,
    find: /(?<![\w-]|\d )\d(?:[ -]?\d){12,}(?![\w-])/g,
    replace: redactCards,
  },
  access_key: {
    hints: ['AKIA', 'ASIA', 'ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'xox', 'sk_live_', 'stk_'],
    find: /(?<![A-Za-z0-9])(?:(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{30,}|xox[abeprs]-[\w-]{10,}|sk_live_\w{16,}|stk_[A-Za-z0-9]{16,})/g,
  },
} as const satisfies Record<string, PatternKind>;

const cardDigits = { min: 13, max: 19 } as const;

/**
 * Marks card numbers in a run of digits, whose groups are parted by single spaces or dashes: `4111 1111 1111 1111 123`
 * is a card number and the check number printed beside it.
 */
function redactCards(run: string, mark: string): string {
  const groups = [...run.matchAll(/\d+/g)];
  let result = '';
  let from = 0;
  for (let i = 0; i < groups.length; i++) {
    const last = lastGroupOfCard(groups, i);
    if (last === undefined) continue;
    result += run.slice(from, groups[i]!.index) + mark;
    from = groups[last]!.index + groups[last]![0].length;
    i = last;
  }
  return result + run.slice(from);
}

function lastGroupOfCard(groups: readonly RegExpExecArray[], first: number): number | undefined {
  let digits = '';
  for (let i = first; i < groups.length; i++) {
    digits += groups[i]![0];
    if (digits.length > cardDigits.max) return undefined;
    if (digits.length >= cardDigits.min && isCardNumber(digits)) return i;
  }
  return undefined;
}

const issuers =
  /^(?:4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|4[4-9]\d|5\d\d)\d{12}|35\d{14}|62\d{14,17})$/;

/** Issuer ranges and the check digit of ISO/IEC 7812: order numbers of 16 digits are mostly no card numbers. */
export function isCardNumber(digits: string): boolean {
  if (!issuers.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    const doubled = i % 2 === 0 ? digit : digit * 2;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
