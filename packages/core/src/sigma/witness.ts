import { isDerived } from './derived-fields.ts';
import type { Detection } from './detection.ts';
import { textOf } from './event-fields.ts';
import { foldCase } from './fold.ts';
import type { Pattern } from './pattern.ts';
import type { DetectionItem, RuleValue } from './values.ts';

/** Something cheap to see in an event: a field's folded value is a text, or holds one, or the field is there at all. */
export type Needle = {
  /** Undefined: any value of the event. */
  readonly field: string | undefined;
} & ({ readonly kind: 'is' | 'holds'; readonly text: string } | { readonly kind: 'present' });

/**
 * Needles of which at least one is in every event that a detection finds: an event without any of them need not be
 * looked at. Undefined when there is no such set, as for what is only about absence.
 */
export function witnessOf(detection: Detection): readonly Needle[] | undefined {
  switch (detection.op) {
    case 'and':
      return best(detection.parts.map(witnessOf));
    case 'or':
      return union(detection.parts.map(witnessOf));
    case 'not':
      return undefined;
    case 'item':
      return ofItem(detection.item);
  }
}

type Witness = readonly Needle[] | undefined;

function ofItem({ field, values, link, isNegated }: DetectionItem): Witness {
  if (isNegated) return undefined;
  const each = values.map((forms) => union(forms.map((form) => ofValue(field, form))));
  return link === 'and' ? best(each) : union(each);
}

function ofValue(field: string | undefined, value: RuleValue): Witness {
  const present: Witness = field === undefined ? undefined : [{ field, kind: 'present' }];
  switch (value.op) {
    case 'pattern':
      return ofPattern(field, value.pattern) ?? present;
    case 'number':
      return [{ field, kind: field === undefined ? 'holds' : 'is', text: textOf(value.value)! }];
    case 'boolean':
      return [{ field, kind: 'is', text: String(value.value) }];
    case 'exists':
      return value.expected ? present : undefined;
    case 'null':
      return undefined;
    case 're':
    case 'cidr':
    case 'compare':
    case 'fieldref':
    case 'time':
      return present;
  }
}

function ofPattern(field: string | undefined, pattern: Pattern): Witness {
  const [only] = pattern;
  if (field !== undefined && pattern.length === 0) return [{ field, kind: 'is', text: '' }];
  if (field !== undefined && pattern.length === 1 && typeof only === 'string')
    return [{ field, kind: 'is', text: foldCase(only) }];
  const longest = pattern
    .filter((part) => typeof part === 'string')
    .reduce((found, text) => (text.length > found.length ? text : found), '');
  return longest === '' ? undefined : [{ field, kind: 'holds', text: foldCase(longest) }];
}

/** What holds of a list of which one must hold: all of them together. */
function union(witnesses: readonly Witness[]): Witness {
  const all: Needle[] = [];
  for (const witness of witnesses) {
    if (witness === undefined) return undefined;
    all.push(...witness);
  }
  return all;
}

/** Of several that must all hold the one that the fewest events will have. */
function best(witnesses: readonly Witness[]): Witness {
  let found: Witness;
  for (const witness of witnesses)
    if (witness && (found === undefined || costOf(witness) < costOf(found))) found = witness;
  return found;
}

/**
 * Values that most events of some source have, whichever the field is: that one of them is there says little. In the form
 * of folded text.
 */
const commonValues: ReadonlySet<string> = new Set([
  ...['', '-', '0', '1', '4', '5', '200', 'true', 'false', 'null', 'none', 'unknown', 'default', 'other'],
  ...[
    'success',
    'succeeded',
    'successful',
    'ok',
    'allow',
    'allowed',
    'accept',
    'failure',
    'failed',
    'denied',
    'error',
  ],
  ...['user', 'service', 'api_key', 'system', 'anonymous', 'iamuser', 'assumedrole', 'root', 'administrator'],
  ...['get', 'post', 'http', 'https', 'tcp', 'udp', 'info', 'informational', 'notice', 'low', 'medium'],
  ...['authentication', 'authorization', 'account', 'access_management', 'data_access', 'data_change'],
  ...['configuration', 'api_activity', 'awsapicall', 'security', 'application', 'windows', 'linux'],
]);

/** A guess of how many events have one of these. */
const costOf = (witness: readonly Needle[]): number =>
  witness.reduce((sum, needle) => {
    if (needle.kind === 'present') return sum + 100;
    if (needle.kind === 'is' && commonValues.has(needle.text)) return sum + 50;
    // What is derived is looked up for each event that is held against it.
    if (needle.field !== undefined && isDerived(needle.field)) return sum + 20;
    const short = 12 / Math.max(1, needle.text.length);
    return sum + (needle.kind === 'is' ? 0.5 : 1) * short * (needle.field === undefined ? 4 : 1);
  }, 0);
