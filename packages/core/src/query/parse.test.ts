import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SealtrailError } from '../errors.ts';
import { codeOf } from '../testing/code-of.ts';
import { fieldNames } from './fields.ts';
import { formatFilter } from './format.ts';
import { queryLimits } from './limits.ts';
import { fieldFilter, parseFilter } from './parse.ts';
import { anyFilter } from './testing/any-filter.ts';

const nowMs = Date.UTC(2026, 0, 31, 12);
const parse = (text: string): unknown => parseFilter(text, { nowMs });

function messageOf(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof SealtrailError && error.code === 'invalid_query') return error.message;
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

describe('reading', () => {
  test.each([
    ['  ', { op: 'all' }],
    ['actor:u_1', { op: 'eq', field: 'actor.id', value: 'u_1' }],
    ['action:user.*', { op: 'glob', field: 'action', parts: ['user.', ''] }],
    ['action:"user.*"', { op: 'eq', field: 'action', value: 'user.*' }],
    ['action:user.\\*', { op: 'eq', field: 'action', value: 'user.*' }],
    ['action:"user."*', { op: 'glob', field: 'action', parts: ['user.', ''] }],
    ['action:a***b', { op: 'glob', field: 'action', parts: ['a', 'b'] }],
    ['action:**', { op: 'exists', field: 'action' }],
    ['action=a*', { op: 'eq', field: 'action', value: 'a*' }],
    ['"metadata.a b":x', { op: 'eq', field: 'metadata.a b', value: 'x' }],
    ['metadata.a\\:b:x', { op: 'eq', field: 'metadata.a:b', value: 'x' }],
    ['say "a \\" b \\\\ c"', andOf(text('say'), text('a " b \\ c'))],
    ['a\\:b', text('a:b')],
    ['foo-bar', text('foo-bar')],
    ['ORDER', text('ORDER')],
    ['"OR"', text('OR')],
    ['fail*', { op: 'text', text: 'fail', prefix: true }],
    ['"fail ed"*', { op: 'text', text: 'fail ed', prefix: true }],
    ['reason:fail*', { op: 'text', field: 'reason', text: 'fail', prefix: true }],
    ['reason:*fail', { op: 'glob', field: 'reason', parts: ['', 'fail'] }],
    ['status:>=500', { op: 'range', field: 'context.http.status', gte: 500 }],
    ['ip:2001:db8::1', { op: 'eq', field: 'source.ip', value: '2001:db8::1' }],
    ['ip:10.1.2.3/8', { op: 'cidr', field: 'source.ip', network: '10.0.0.0/8' }],
    ['ip:10.*', { op: 'cidr', field: 'source.ip', network: '10.0.0.0/8' }],
    ['metadata.v:1..2', { op: 'range', field: 'metadata.v', gte: 1, lte: 2 }],
    ['metadata.v:a..b', { op: 'eq', field: 'metadata.v', value: 'a..b' }],
    ['metadata.v:"1..2"', { op: 'eq', field: 'metadata.v', value: '1..2' }],
    ['since:1d', { op: 'range', field: 'time', gte: nowMs - 86_400_000 }],
    ['since:now', { op: 'range', field: 'time', gte: nowMs }],
    ['until:2026-01-31', { op: 'range', field: 'time', lte: Date.UTC(2026, 0, 31) - 1 }],
    ['time<1970-01-01', { op: 'not', filter: { op: 'all' } }],
    ['a b OR c', { op: 'or', filters: [andOf(text('a'), text('b')), text('c')] }],
    ['a AND b', andOf(text('a'), text('b'))],
    ['a (b c)', andOf(text('a'), text('b'), text('c'))],
    ['--a', text('a')],
    ['NOT a', { op: 'not', filter: text('a') }],
    ['actor:(-u_1)', { op: 'not', filter: { op: 'eq', field: 'actor.id', value: 'u_1' } }],
    ['actor:("a b" OR c:d)', { op: 'or', filters: [actor('a b'), actor('c:d')] }],
  ])('%s', (query, filter) => {
    expect(parse(query)).toEqual(filter);
  });

  test('a query is refused with the offset of what is wrong', () => {
    for (const [query, offset] of [
      ['a "b', 2],
      ['(a', 0],
      ['a)', 1],
      ['a OR', 4],
      ['OR a', 0],
      ['a - b', 2],
      ['actor:', 6],
      ['actor: u_1', 6],
      ['  acter:u_1', 2],
      ['status:high', 7],
      ['status:5*', 7],
      ['ip:300.1.1.1', 3],
      ['severity:bad', 9],
      ['actor>5', 6],
      ['since:yesterday', 6],
      ['since>2h', 6],
      ['since:*', 6],
      ['x !!', 2],
      ['*fail', 0],
      ['time:..', 5],
      ['()', 1],
      ['http://x', 0],
    ] as const) {
      expect(messageOf(query)).toContain(`At offset ${offset} `);
    }
  });

  test('an unknown field is named, with the name that was probably meant', () => {
    expect(messageOf('acton:x')).toMatch(/"acton".*"action"/);
    expect(messageOf('actr.id:x')).toMatch(/"actr.id".*"actor.id"/);
    expect(messageOf('sevreity:high')).toMatch(/"severity"/);
    expect(messageOf('metadata:high')).toMatch(/metadata\.<key>/);
    expect(messageOf('zzzzzzzzzzz:x')).not.toMatch(/did you mean/);
  });

  test('length, depth and number of conditions are bounded', () => {
    const { depth, length, terms } = queryLimits;
    expect(codeOf(() => parse('x'.repeat(length)))).toBeUndefined();
    expect(codeOf(() => parse('x'.repeat(length + 1)))).toBe('invalid_query');
    expect(codeOf(() => parse(`${'('.repeat(depth)}x${')'.repeat(depth)}`))).toBeUndefined();
    expect(codeOf(() => parse(`${'('.repeat(depth + 1)}x${')'.repeat(depth + 1)}`))).toBe('invalid_query');
    expect(codeOf(() => parse(`${'-'.repeat(depth + 1)}x`))).toBe('invalid_query');
    expect(codeOf(() => parse('x '.repeat(terms)))).toBeUndefined();
    expect(codeOf(() => parse('x '.repeat(terms + 1)))).toBe('invalid_query');
    expect(codeOf(() => parse('\ud800'))).toBe('invalid_query');
  });

  test('no text makes it fail in another way, and what is accepted has a stable text', () => {
    const piece = fc.constantFrom(
      ...fieldNames,
      ...['metadata.a', ':', '=', '<', '>=', '(', ')', '"', '\\', '*', '..', '-', ' ', ' OR ', 'AND', 'NOT '],
      ...['since', 'until', '24h', '2026-01-31', '5', 'u_1', 'high', '10.0.0.0/8', 'a', 'é'],
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(text, (query) => {
        if (codeOf(() => parse(query)) !== undefined) return;
        const filter = parseFilter(query, { nowMs });
        expect(parseFilter(formatFilter(filter), { nowMs: 0 })).toEqual(filter);
      }),
      { numRuns: 3000 },
    );
  });
});

test('the text of a filter is read back as the same filter', () => {
  fc.assert(
    fc.property(anyFilter(), (filter) => {
      expect(parseFilter(formatFilter(filter), { nowMs: 0 })).toEqual(filter);
    }),
    { numRuns: 1000 },
  );
});

describe('one condition apart from a query', () => {
  test.each([
    ['reason', 'a (b) "c"', { op: 'text', field: 'reason', text: 'a (b) "c"', prefix: false }],
    ['actor', 'a b', actor('a b')],
    ['action', 'user.*', { op: 'glob', field: 'action', parts: ['user.', ''] }],
    ['action', 'user.\\*', { op: 'eq', field: 'action', value: 'user.*' }],
    ['status', '>=500', { op: 'range', field: 'context.http.status', gte: 500 }],
    ['since', '1h', { op: 'range', field: 'time', gte: nowMs - 3_600_000 }],
  ])('%s=%s', (name, value, filter) => {
    expect(fieldFilter(name, value, { nowMs })).toEqual(filter);
  });

  test('is refused like one in a query', () => {
    expect(codeOf(() => fieldFilter('acton', 'x', { nowMs }))).toBe('invalid_query');
    expect(codeOf(() => fieldFilter('status', 'x', { nowMs }))).toBe('invalid_query');
    expect(codeOf(() => fieldFilter('actor', 'x'.repeat(5000), { nowMs }))).toBe('invalid_query');
  });
});

function text(value: string): unknown {
  return { op: 'text', text: value, prefix: false };
}

function actor(value: string): unknown {
  return { op: 'eq', field: 'actor.id', value };
}

function andOf(...filters: unknown[]): unknown {
  return { op: 'and', filters };
}
