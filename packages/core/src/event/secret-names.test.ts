import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNameMatcher, sensitiveKeys } from './secret-names.ts';

const isSecret = createNameMatcher(sensitiveKeys);

const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);
/** Ways in which words are written as one name. */
const spellings: Readonly<Record<string, (words: readonly string[]) => string>> = {
  snake_case: (words) => words.join('_'),
  SCREAMING_SNAKE_CASE: (words) => words.join('_').toUpperCase(),
  'kebab-case': (words) => words.join('-'),
  'Train-Case': (words) => words.map(capital).join('-'),
  camelCase: (words) => words[0] + words.slice(1).map(capital).join(''),
  PascalCase: (words) => words.map(capital).join(''),
  'with spaces': (words) => words.join(' '),
};
/** Ways in which a name stands in the path to a field. */
const places: readonly ((name: string) => string)[] = [
  (name) => name,
  (name) => `user.${name}`,
  (name) => `/users/7/${name}`,
  (name) => `user[${name}]`,
  (name) => `user["${name}"]`,
  (name) => `users[3].${name}`,
  (name) => `${name}[0]`,
  (name) => `${name}2`,
  (name) => `user.${name}.12`,
];
const anySpelling = fc.constantFrom(...Object.values(spellings));
const anyPlace = fc.constantFrom(...places);
const anyWord = fc.stringMatching(/^[a-z]{2,8}$/);

describe('createNameMatcher', () => {
  it('finds each name in each spelling, at the end of longer names and of paths', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...sensitiveKeys),
        fc.array(anyWord, { maxLength: 2 }),
        anySpelling,
        anyPlace,
        (name, before, spell, place) => {
          expect(isSecret(place(spell([...before, ...name.split('_')])))).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('finds the words of a name written as one', () => {
    expect(['apikey', 'APIKEY', 'stripe_apikey', 'clientsecret', 'cardNumber'].filter(isSecret)).toHaveLength(
      5,
    );
  });

  it.each([
    ...['passwordChangedAt', 'password_length', 'token_count', 'tokens', 'secretary', 'compass', 'shipping'],
    ...[
      'pinned',
      'opinion',
      'author',
      'cookies_accepted',
      'number',
      'key',
      'api',
      'keyApi',
      'card.id',
      'hash',
    ],
    ...['', '_', '42', '[0]', 'user.password.changed', 'mypassword'],
  ])('leaves %j alone', (name) => {
    expect(isSecret(name)).toBe(false);
  });

  it('says the same of names that are told by their last letters and of those that are not', () => {
    const piece = fc.constantFrom(
      'pin',
      'Pin',
      'PIN',
      'otp',
      'to',
      'ken',
      'p',
      'N',
      'spin',
      '7',
      '_',
      '.',
      '[',
      ']',
      ' ',
      'é',
      '1',
    );
    const names = ['pin', 'token', 'otp'];
    // With a name of one letter among them, endings decide nothing.
    const byWords = createNameMatcher([...names, 'ł']);
    const byEnding = createNameMatcher(names);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const name = pieces.join('');
        expect(byEnding(name)).toBe(byWords(name));
      }),
      { numRuns: 3000 },
    );
  });

  it('takes any alphabet', () => {
    const matches = createNameMatcher(['ключ', '鍵', 'straße']);
    expect(['apiКлюч', 'КЛЮЧ', 'user.鍵', 'ALTE_STRASSE', 'alteStraße'].map(matches)).toEqual([
      ...[true, true, true, false, true],
    ]);
  });

  it('compares names without letters as they are, and keeps the numbers of others', () => {
    const matches = createNameMatcher(['(', 'line2', '7']);
    expect(['(', '((', 'line2', 'address.line_2', 'line', 'line3', '7', 'x.7'].map(matches)).toEqual([
      ...[true, false, true, true, false, false, true, true],
    ]);
  });

  it('finds nothing where there are no names', () => {
    expect(createNameMatcher([])('password')).toBe(false);
  });

  it('says the same however many names it has seen', () => {
    const matches = createNameMatcher(['secret']);
    const names = Array.from({ length: 10_000 }, (_, i) => (i % 2 === 0 ? `a${i}.secret` : `secret.a${i}`));
    for (const [i, name] of [...names, ...names].entries()) expect(matches(name)).toBe(i % 2 === 0);
  });
});
