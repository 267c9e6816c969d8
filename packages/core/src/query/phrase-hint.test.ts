import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../event/canonical.ts';
import type { Entry, JsonValue } from '../event/event.ts';
import type { Filter, TextFilter } from './filter.ts';
import { matches } from './match.ts';
import { phraseHint } from './phrase-hint.ts';
import { anyEntry } from './testing/any-entry.ts';
import { anyFilter } from './testing/any-filter.ts';

const textOf = (entry: object): string => canonicalJson(entry as JsonValue);
const phrase = (text: string, prefix = false): TextFilter => ({ op: 'text', text, prefix });
const entryWith = (text: string): Entry => ({ action: 'a', metadata: { text } }) as unknown as Entry;

describe('phraseHint', () => {
  it('never speaks against an entry that the filter finds', () => {
    fc.assert(
      fc.property(anyEntry(), anyFilter(), (entry, filter) => {
        const hint = phraseHint(filter);
        if (hint && matches(filter, entry as Entry)) expect(hint(textOf(entry))).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('never does so either for a phrase made of what is in the entry, whatever is between the words', () => {
    const word = fc.constantFrom('one', 'Two', '3', 'n', 'u00', 'b', 'ﬁve', 'K');
    const gap = fc
      .array(fc.constantFrom(' ', '\n', '\\', '"', '\u0007', '_', '.', '/', '\t', '\u2028', 'é '), {
        minLength: 1,
        maxLength: 3,
      })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(fc.tuple(word, gap), { minLength: 2, maxLength: 5 }), fc.nat(3), (parts, skip) => {
        const entry = entryWith(parts.flat().join(''));
        const filter = phrase(
          parts
            .slice(skip)
            .map(([one]) => one)
            .join(' '),
        );
        const hint = phraseHint(filter);
        if (hint && matches(filter, entry)) expect(hint(textOf(entry))).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('speaks against entries that have the words, but not side by side', () => {
    const hint = phraseHint(phrase('connection refused'))!;
    expect(hint(textOf(entryWith('Connection\n"refused" by peer')))).toBe(true);
    expect(hint(textOf(entryWith('refused: the connection')))).toBe(false);
    expect(hint(textOf(entryWith('connection was refused')))).toBe(false);
    expect(hint(textOf(entryWith('connection war refused, é')))).toBe(true);
  });

  it.each<[string, Filter]>([
    ['one word', phrase('word')],
    ['an address', phrase('2001:db8::1')],
    ['words of other characters', phrase('żółta łódź')],
    ['what must not be there', { op: 'not', filter: phrase('one two') }],
    ['one of several', { op: 'or', filters: [phrase('one two'), phrase('three four')] }],
  ])('has nothing to say of %s', (_name, filter) => {
    expect(phraseHint(filter)).toBeUndefined();
  });
});
