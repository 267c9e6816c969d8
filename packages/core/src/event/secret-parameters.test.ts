import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNameMatcher, sensitiveKeys } from './secret-names.ts';
import { mayHoldSecretValue, secretValues } from './secret-parameters.ts';

const isSecret = createNameMatcher(sensitiveKeys);

/** A text with its secret values in brackets. */
function marked(text: string): string {
  let result = '';
  let from = 0;
  for (const { start, end } of secretValues(text, isSecret)) {
    result += `${text.slice(from, start)}<${text.slice(start, end)}>`;
    from = end;
  }
  return result + text.slice(from);
}

describe('secretValues', () => {
  it.each([
    ['/login?password=hunter2', '/login?password=<hunter2>'],
    ['https://a.example/x?a=1&token=abc&b=2#top', 'https://a.example/x?a=1&token=<abc>&b=2#top'],
    ['https://a.example/#access_token=abc&state=x', 'https://a.example/#access_token=<abc>&state=x'],
    ['?user%5Bpassword%5D=hunter2&user[name]=bob', '?user%5Bpassword%5D=<hunter2>&user[name]=bob'],
    ['?newPassword=a&PASSWORD=b&api-key=c', '?newPassword=<a>&PASSWORD=<b>&api-key=<c>'],
    ['?%zz.password=x', '?%zz.password=<x>'],
    ['?password=a;b/c?d=e,f&g=h', '?password=<a;b/c?d=e,f>&g=h'],
    ['password=hunter2&user=bob', 'password=<hunter2>&user=bob'],
    ['/a;password=x;b=c/d', '/a;password=<x>;b=c/d'],
    ['jdbc:sqlserver://db;user=sa;password=x;a=b', 'jdbc:sqlserver://db;user=sa;password=<x>;a=b'],
    ['&amp;token=abc&amp;b=c', '&amp;token=<abc>&amp;b=c'],
    ['sign-in failed\npassword=x token=y, z', 'sign-in failed\npassword=<x> token=<y,> z'],
    ['<a href="/?token=abc">', '<a href="/?token=<abc>">'],
    ['password="a b" and pin=\'1 2\'', 'password="<a b>" and pin=\'<1 2>\''],
    ['password="never closed', 'password="<never closed'.concat('>')],
    ['token=a=b==', 'token=<a=b==>'],
    ['?pin=1?pin=2', '?pin=<1?pin=2>'],
    [`${'x'.repeat(119)}.password=a`, `${'x'.repeat(119)}.password=<a>`],
  ])('are in %s', (text, expected) => {
    expect(marked(text)).toBe(expected);
  });

  it.each([
    ...[
      '/search?q=password&page=2',
      '?passwordChangedAt=1',
      '?tokens=5',
      '?password',
      '?password=',
      '?password=&a=b',
    ],
    ...[
      'password = x',
      'password: x',
      '=x',
      '==',
      '&=&',
      '?token=#top',
      "?token=''",
      'compass=north',
      '/password/=x',
    ],
    `${'x'.repeat(120)}.password=a`,
  ])('are not in %s', (text) => {
    expect(marked(text)).toBe(text);
  });

  it('are between what parts them, and in order', () => {
    const anyText = fc
      .array(fc.constantFrom('token', 'x', '=', '&', '?', ';', '"', "'", ' ', '\n', '#'), {
        maxLength: 30,
      })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(anyText, (text) => {
        let last = 0;
        for (const { start, end } of secretValues(text, isSecret)) {
          expect(start).toBeGreaterThan(last);
          expect(end).toBeGreaterThan(start);
          expect(text.slice(0, start)).toMatch(/token=["']?$/);
          last = end;
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('may be in the JSON text of whatever they are in', () => {
    const piece = fc.constantFrom(
      'token',
      'user',
      '=',
      '&',
      '?',
      '"',
      '\\',
      '\n',
      '\t',
      '\u0001',
      'é',
      '/',
      ' ',
    );
    const anyText = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(anyText, anyText, (key, text) => {
        fc.pre(marked(key) !== key || marked(text) !== text);
        expect(mayHoldSecretValue(JSON.stringify({ a: [{ [key]: text }] }), isSecret)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('ask about no name more than once', () => {
    const text = `${'a=b&'.repeat(5000)}${'=x'.repeat(5000)}${'c'.repeat(20_000)}=`;
    let asked = 0;
    const count = (name: string): boolean => {
      asked += name.length;
      return false;
    };
    expect([...secretValues(text, count)]).toEqual([]);
    expect(asked).toBeLessThan(text.length);
  });
});
