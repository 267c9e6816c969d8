import { describe, expect, it } from 'vitest';
import { SealtrailError } from '../errors.ts';
import { newTokenSchema, newTrailSchema } from './api.ts';
import { bodyFault, parseBody } from './parse-body.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const tokenOf = (text: string): unknown => parseBody(bytesOf(text), newTokenSchema);

function refusalOf(text: string): SealtrailError {
  try {
    tokenOf(text);
  } catch (error) {
    if (error instanceof SealtrailError) return error;
    throw error;
  }
  throw new Error('expected the body to be refused');
}

const token = (members: string): string => `{"name":"x","role":"read",${members}}`;

describe('parseBody', () => {
  it('gives what the body says, with what is usual where it says nothing', () => {
    expect(parseBody(bytesOf(' {"name":"eu.audit_1"}\n'), newTrailSchema)).toEqual({ name: 'eu.audit_1' });
    expect(tokenOf('{"name":"\\u0041","role":"admin"}')).toEqual({
      name: 'A',
      role: 'admin',
      trails: ['*'],
      tenants: ['*'],
    });
    const whole = {
      name: 'x',
      role: 'ingest',
      trails: ['main', 'not-yet-made', '*'],
      tenants: ['Größe 4 / \u{1f600}'],
      expiresAt: '2027-01-31T09:30:00+01:00',
    };
    expect(tokenOf(JSON.stringify(whole))).toEqual(whole);
  });

  it.each([
    ['a role twice', token('"role":"admin"'), 'duplicate_key', '/role'],
    ['a role twice, once escaped', token('"r\\u006fle":"admin"'), 'duplicate_key', '/role'],
    ['no JSON', token('"trails":NaN'), 'malformed_json', ''],
    ['a half', '{"name":"x"', 'malformed_json', undefined],
    ['nothing', '', 'malformed_json', undefined],
    ['something behind it', '{"name":"x","role":"read"} x', 'malformed_json', undefined],
    ['an array', '[]', 'invalid_body', undefined],
    ['null', 'null', 'invalid_body', undefined],
    ['an unknown field', token('"sudo":true'), 'invalid_body', '/sudo'],
    ['__proto__', token('"__proto__":{"role":"admin"}'), 'invalid_body', '/__proto__'],
    ['deep nesting', token(`"trails":${'['.repeat(50)}${']'.repeat(50)}`), 'invalid_body', undefined],
    ['an unknown role', '{"name":"x","role":"root"}', 'invalid_body', '/role'],
    ['an empty name', '{"name":"","role":"read"}', 'invalid_body', '/name'],
    ['half a character in the name', '{"name":"x\\ud800","role":"read"}', 'invalid_body', '/name'],
    ['half a character in a tenant', token('"tenants":["a","\\udc00"]'), 'invalid_body', '/tenants/1'],
    ['no trail', token('"trails":[]'), 'invalid_body', '/trails'],
    ['a trail that cannot be', token('"trails":["main","NOT VALID/../"]'), 'invalid_body', '/trails/1'],
    ['a trail of two dots', token('"trails":["a..b"]'), 'invalid_body', '/trails/0'],
    ['a trail that clears the screen', token('"trails":["\\u001b[2J"]'), 'invalid_body', '/trails/0'],
    ['two wildcards', token('"trails":["**"]'), 'invalid_body', '/trails/0'],
    ['a number for a trail', token('"trails":[1]'), 'invalid_body', '/trails/0'],
    ['a tenant too long', token(`"tenants":["${'x'.repeat(257)}"]`), 'invalid_body', '/tenants/0'],
    ['a time that is none', token('"expiresAt":"tomorrow"'), 'invalid_body', '/expiresAt'],
    ['a time that is a number', token('"expiresAt":5'), 'invalid_body', '/expiresAt'],
  ])('refuses %s', (_name, text, code, pointer) => {
    const { code: found, details } = refusalOf(text);
    expect([found, details[0]?.pointer]).toEqual([code, pointer]);
  });

  it('says what was expected, in the words of this package', () => {
    const { message, details } = refusalOf(
      '{"name":5,"role":"root","trails":[1,"A"],"tenants":[""],"expiresAt":"x","sudo":1}',
    );
    for (const said of details.map((detail) => detail.message))
      expect(said).toMatch(/^(?:expected|unknown field;) /);
    expect(message).toMatch(/^\/name: expected /);
    expect(details).toHaveLength(7);
  });

  it('takes UTF-8 only', () => {
    const bytes = new Uint8Array([...bytesOf('{"name":"'), 0xff, ...bytesOf('","role":"read"}')]);
    expect(() => parseBody(bytes, newTokenSchema)).toThrow(expect.objectContaining({ code: 'invalid_utf8' }));
  });
});

describe('bodyFault', () => {
  it('names the place', () => {
    expect(bodyFault('/expiresAt', 'expected a time to come')).toMatchObject({
      code: 'invalid_body',
      details: [{ code: 'invalid_body', pointer: '/expiresAt', message: 'expected a time to come' }],
    });
  });
});
