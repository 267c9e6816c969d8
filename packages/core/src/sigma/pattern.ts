/**
 * A value of a rule as text with wildcards: literal text, `*` (anything, nothing and line breaks included), `?` (one
 * character), a dash in any of its forms (from the modifier `windash`), and a placeholder that stands for a list of values.
 */
export type Pattern = readonly PatternPart[];
export type PatternPart = string | { readonly wild: '*' | '?' | 'dash' } | { readonly placeholder: string };

export const anything: PatternPart = { wild: '*' };
export const oneCharacter: PatternPart = { wild: '?' };
export const anyDash: PatternPart = { wild: 'dash' };

/** What `windash` takes for a dash, and what its dashes match. */
export const dashes = ['-', '/', '\u2013', '\u2014', '\u2015'] as const;

/**
 * Reads a value as written in a rule. A backslash takes the meaning from `*`, `?` and itself; before anything else it is a
 * backslash. Source: Sigma specification, "Escaping".
 */
export function parsePattern(text: string): Pattern {
  const parts: PatternPart[] = [];
  let literal = '';
  const wildcard = (part: PatternPart): void => {
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push(part);
  };
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    const next = text[i + 1];
    if (char === '\\' && (next === '*' || next === '?' || next === '\\')) {
      literal += next;
      i++;
    } else if (char === '*') wildcard(anything);
    else if (char === '?') wildcard(oneCharacter);
    else literal += char;
  }
  if (literal !== '') parts.push(literal);
  return parts;
}

/** The text of a pattern without wildcards and placeholders; undefined when it has some. */
export function literalOf(pattern: Pattern): string | undefined {
  if (pattern.length === 0) return '';
  return pattern.length === 1 && typeof pattern[0] === 'string' ? pattern[0] : undefined;
}

/** A pattern that may have anything before it. */
export const openAtStart = (pattern: Pattern): Pattern =>
  isAnything(pattern[0]) ? pattern : [anything, ...pattern];

/** A pattern that may have anything behind it. */
export const openAtEnd = (pattern: Pattern): Pattern =>
  isAnything(pattern.at(-1)) ? pattern : [...pattern, anything];

const isAnything = (part: PatternPart | undefined): boolean =>
  typeof part === 'object' && 'wild' in part && part.wild === '*';

/** Changes the literal texts of a pattern; texts that come to stand side by side are joined. */
export function mapLiterals(pattern: Pattern, change: (text: string) => Pattern): Pattern {
  const result: PatternPart[] = [];
  for (const part of pattern.flatMap((one) => (typeof one === 'string' ? change(one) : [one]))) {
    const last = result.at(-1);
    if (typeof part === 'string' && typeof last === 'string') result[result.length - 1] = last + part;
    else if (part !== '') result.push(part);
  }
  return result;
}

const placeholderText = /(\\?)%([A-Za-z0-9_.-]+)%/g;

/** `%name%` becomes a placeholder, `\%name%` the text `%name%`. */
export function withPlaceholders(pattern: Pattern): Pattern {
  return mapLiterals(pattern, (text) => {
    const parts: PatternPart[] = [];
    let from = 0;
    for (const { 0: match, 1: backslash, 2: name, index } of text.matchAll(placeholderText)) {
      parts.push(text.slice(from, index), backslash ? match.slice(1) : { placeholder: name! });
      from = index + match.length;
    }
    return [...parts, text.slice(from)];
  });
}

/** Every dash or slash at the beginning of a word becomes {@link anyDash}. */
export function withAnyDash(pattern: Pattern): Pattern {
  return mapLiterals(pattern, (text) => {
    const parts: PatternPart[] = [];
    let from = 0;
    for (const { index } of text.matchAll(/(?<![A-Za-z0-9_])[-/\u2013-\u2015](?=[A-Za-z0-9_])/g)) {
      parts.push(text.slice(from, index), anyDash);
      from = index + 1;
    }
    return [...parts, text.slice(from)];
  });
}
