import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from './redact.ts';
import { isCardNumber, type PatternKind, valuePatterns } from './secret-patterns.ts';

/** What a text becomes when only one kind is looked for. */
function redacted(kind: keyof typeof valuePatterns, reason: string): string | undefined {
  const event = { action: 'a', reason };
  return createRedactor({ patterns: [kind], keys: [] })(event, JSON.stringify(event)).reason;
}

const jwt = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${'s'.repeat(43)}`;
const pem = (kind: string, body: string): string =>
  `-----BEGIN ${kind}PRIVATE KEY-----\n${body}\n-----END ${kind}PRIVATE KEY-----`;
const secret = 'abcdefghij0123456789';

const found: readonly (readonly [keyof typeof valuePatterns, string, string])[] = [
  ['bearer_token', `Authorization: Bearer ${secret}`, 'Authorization: Bearer [redacted:bearer_token]'],
  ['bearer_token', `basic  ${secret}==, x`, 'basic [redacted:bearer_token], x'],
  ['bearer_token', `bEARER\t\n${secret}`, 'bEARER [redacted:bearer_token]'],
  ['bearer_token', `auth=Bearer%20${secret}&x`, 'auth=Bearer [redacted:bearer_token]&x'],
  ['bearer_token', `BEARER ${'x'.repeat(9000)} end`, 'BEARER [redacted:bearer_token] end'],
  ['json_web_token', `t=${jwt};`, 't=[redacted:json_web_token];'],
  ['json_web_token', `id-${jwt}`, 'id-[redacted:json_web_token]'],
  ['json_web_token', `access_token.x.${jwt}`, 'access_token.x.[redacted:json_web_token]'],
  ['json_web_token', `${jwt.slice(0, -43)} unsigned`, '[redacted:json_web_token] unsigned'],
  ['json_web_token', `eyJ${'a'.repeat(5000)}.eyJ${'b'.repeat(5000)}.c`, '[redacted:json_web_token]'],
  ['private_key', `x ${pem('', 'AbC+/=')} y`, 'x [redacted:private_key] y'],
  [
    'private_key',
    pem('RSA ', 'Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAbC'),
    '[redacted:private_key]',
  ],
  ['private_key', pem('OPENSSH ', 'A'.repeat(20_000)), '[redacted:private_key]'],
  ['private_key', '-----BEGIN PRIVATE KEY-----\nAbC', '[redacted:private_key]'],
  [
    'private_key',
    '-----BEGIN PGP PRIVATE KEY BLOCK-----\nAbC\n-----END PGP PRIVATE KEY BLOCK-----.',
    '[redacted:private_key].',
  ],
  ['private_key', `${pem('', 'A')}${pem('EC ', 'B')}`, '[redacted:private_key][redacted:private_key]'],
  ['url_password', 'postgres://bob:hunter2@db/x', 'postgres://bob:[redacted:url_password]@db/x'],
  ['url_password', 'https://bob:a:b@host', 'https://bob:[redacted:url_password]@host'],
  ['url_password', 'https://bob:p@ss@host/x@y', 'https://bob:[redacted:url_password]@host/x@y'],
  ['url_password', 'redis://:pw@host', 'redis://:[redacted:url_password]@host'],
  ['card_number', 'card 4111111111111111.', 'card [redacted:card_number].'],
  ['card_number', '4111-1111-1111-1111', '[redacted:card_number]'],
  ['card_number', '4111.1111.1111.1111', '[redacted:card_number]'],
  ['card_number', '4111\u00a01111\u00a01111\u20131111', '[redacted:card_number]'],
  ['card_number', '4111 1111 1111 1111 123', '[redacted:card_number] 123'],
  ['card_number', '3 4111 1111 1111 1111', '3 [redacted:card_number]'],
  ['card_number', '3782 822463 10005', '[redacted:card_number]'],
  ['card_number', '4111111111111111 5500005555555559', '[redacted:card_number] [redacted:card_number]'],
  ['access_key', `AKIA${'Q'.repeat(16)}`, '[redacted:access_key]'],
  ['access_key', `key_ghp_${'a'.repeat(36)}!`, 'key_[redacted:access_key]!'],
  ['access_key', `xoxb-${secret}-${secret}`, '[redacted:access_key]'],
  ['access_key', `sk_live_${secret}`, '[redacted:access_key]'],
  ['access_key', `stk_${'a'.repeat(300)}`, '[redacted:access_key]'],
];

const notFound: readonly (readonly [keyof typeof valuePatterns, string])[] = [
  ['bearer_token', 'the bearer of this letter'],
  ['bearer_token', 'basic information about'],
  ['json_web_token', 'eyJhbGciOiJIUzI1NiJ9'],
  ['json_web_token', 'heyJude.heyJude.x'],
  ['private_key', '-----BEGIN PUBLIC KEY-----\nAbC\n-----END PUBLIC KEY-----'],
  ['url_password', 'https://example.com:443/a@b'],
  ['url_password', 'https://bob@example.com'],
  ['card_number', '4111111111111112'],
  ['card_number', '411111111111'],
  ['card_number', '41111111111111111111'],
  ['card_number', 'a4111111111111111'],
  ['card_number', '01234567-4111-1111-1111-111111111111'],
  ['card_number', '11111111-2222-3333-4444-555555550002'],
  ['access_key', `AKIA${'q'.repeat(16)}`],
  ['access_key', `xAKIA${'Q'.repeat(16)}`],
  ['access_key', 'ghp_short'],
];

describe('valuePatterns', () => {
  it.each(found)('%s: finds %s', (kind, text, becomes) => {
    expect(redacted(kind, text)).toBe(becomes);
  });

  it.each(notFound)('%s: leaves %s', (kind, text) => {
    expect(redacted(kind, text)).toBe(text);
  });

  it('has a hint in everything that it finds', () => {
    for (const [name, text] of found) {
      const { hints }: PatternKind = valuePatterns[name];
      expect(hints instanceof RegExp ? hints.test(text) : hints.some((hint) => text.includes(hint))).toBe(
        true,
      );
    }
  });
});

describe('isCardNumber', () => {
  it.each([
    ...['4111111111111111', '4222222222222', '5500005555555559', '2223003122003222', '340000000000009'],
    ...['378282246310005', '30000000000004', '6011000000000004', '3530111333300000', '6200000000000005'],
  ])('knows %s', (digits) => {
    expect(isCardNumber(digits)).toBe(true);
  });

  it('notices any one digit that is wrong', () => {
    fc.assert(
      fc.property(fc.nat(14), fc.integer({ min: 1, max: 9 }), (at, by) => {
        // Digits behind the issuer's prefix, so that only the check digit can tell.
        const digits = [...'4111111111111111'].map(Number);
        digits[at + 1] = (digits[at + 1]! + by) % 10;
        expect(isCardNumber(digits.join(''))).toBe(false);
      }),
    );
  });

  it.each(['', '0000000000000000', '1234567812345670', '9999999999999995'])(
    'takes %j for something else',
    (digits) => {
      expect(isCardNumber(digits)).toBe(false);
    },
  );
});
