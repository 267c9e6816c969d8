import { foldCase } from './fold.ts';
import { dashes, type Pattern } from './pattern.ts';
import { RuleError } from './rule-error.ts';

/** Whether a text is what a pattern says. */
export type TextTest = (text: string) => boolean;

/** What stands between two `*`: literal text, any one character, any dash. */
type Segment = readonly (string | { readonly wild: '?' | 'dash' })[];

/**
 * A test of whole texts. It takes time in proportion to the length of the text, whatever the pattern: each part between
 * two `*` is looked for once, at the leftmost place, which leaves the most room for the next.
 *
 * @param fold whether the case is ignored; the texts to test are then folded already
 * @throws RuleError when there is a placeholder that no value was given for
 */
export function compilePattern(pattern: Pattern, fold: boolean): TextTest {
  const segments = segmentsOf(pattern, fold);
  const [first = [], ...others] = segments;
  if (others.length === 0) return wholeTest(first);
  const last = others.pop()!;
  const start = literal(first);
  const end = literal(last);
  if (others.length === 0 && start !== undefined && end !== undefined) return endsTest(start, end);
  if (others.length === 1 && start === '' && end === '') {
    const inner = literal(others[0]!);
    if (inner !== undefined) return (text) => text.includes(inner);
  }
  return (text) => {
    let at = matchAt(first, text, 0);
    for (const segment of others) {
      if (at < 0) return false;
      at = find(segment, text, at);
    }
    return at >= 0 && endsWith(last, text, at);
  };
}

function wholeTest(segment: Segment): TextTest {
  const text = literal(segment);
  if (text !== undefined) return (value) => value === text;
  return (value) => matchAt(segment, value, 0) === value.length;
}

function endsTest(start: string, end: string): TextTest {
  if (start === '') return (text) => text.endsWith(end);
  if (end === '') return (text) => text.startsWith(start);
  const least = start.length + end.length;
  return (text) => text.length >= least && text.startsWith(start) && text.endsWith(end);
}

function segmentsOf(pattern: Pattern, fold: boolean): Segment[] {
  const segments: (string | { readonly wild: '?' | 'dash' })[][] = [[]];
  for (const part of pattern) {
    if (typeof part === 'string') segments.at(-1)!.push(fold ? foldCase(part) : part);
    else if ('placeholder' in part) throw unknownPlaceholder(part.placeholder);
    else if (part.wild === '*') segments.push([]);
    else segments.at(-1)!.push({ wild: part.wild });
  }
  return segments;
}

const unknownPlaceholder = (name: string): RuleError =>
  new RuleError(`no value is known for the placeholder %${name}%`);

/** The text of a segment without wildcards. */
function literal(segment: Segment): string | undefined {
  if (segment.length === 0) return '';
  return segment.length === 1 && typeof segment[0] === 'string' ? segment[0] : undefined;
}

/** Where a segment that begins at a place ends, or -1. */
function matchAt(segment: Segment, text: string, start: number): number {
  let at = start;
  for (const part of segment) {
    if (typeof part === 'string') {
      if (!text.startsWith(part, at)) return -1;
      at += part.length;
    } else if (at >= text.length) return -1;
    else if (part.wild === 'dash') {
      if (!(dashes as readonly string[]).includes(text[at]!)) return -1;
      at++;
    } else at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  }
  return at;
}

/** Where the leftmost occurrence of a segment ends, or -1. */
function find(segment: Segment, text: string, from: number): number {
  const whole = literal(segment);
  if (whole !== undefined) {
    const at = text.indexOf(whole, from);
    return at < 0 ? -1 : at + whole.length;
  }
  for (let start = from; start <= text.length; start++) {
    const end = matchAt(segment, text, start);
    if (end >= 0) return end;
  }
  return -1;
}

/** Whether a segment ends a text and begins at or after a place. */
function endsWith(segment: Segment, text: string, from: number): boolean {
  const whole = literal(segment);
  if (whole !== undefined) return text.length - whole.length >= from && text.endsWith(whole);
  // A character takes one or two units: all places are tried from which the end can be reached.
  const most = segment.reduce((sum, part) => sum + (typeof part === 'string' ? part.length : 2), 0);
  for (let start = Math.max(from, text.length - most); start <= text.length; start++)
    if (matchAt(segment, text, start) === text.length) return true;
  return false;
}
