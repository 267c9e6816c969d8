import { describe, expect, it } from 'vitest';
import { RuleError } from '../sigma/rule-error.ts';
import { loadMapping } from './load-mapping.ts';
import { type Mapped, Source } from './source.ts';

const mapping = (kind: string, top = ''): string => `
name: test
title: a test
input: json
otherwise: refuse
${top}
kinds:
  - name: event
    when: {a: true}
    logsource: {product: test}
${kind.replace(/^/gm, '    ')}
`;
const event = (further = ''): string => `event:\n  action: 'x.{a|action}'\n${further.replace(/^/gm, '  ')}`;

function map(text: string, record: Record<string, unknown>): Mapped & { readonly is: 'event' } {
  const mapped = new Source(loadMapping(text)).map(record);
  if (mapped.is !== 'event') throw new Error('expected an event');
  return mapped;
}

describe('a mapping', () => {
  it('takes the first alternative that gives a value, asks conditions and looks up tables', () => {
    const text = mapping(
      event(`
reason: ['{missing}', {when: {b: [x*, y]}, give: 'b is {b}'}, none]
severity: {table: level, of: ['{c}', other]}
`),
      'tables: {level: {one: low, t*: medium, "*": informational}}',
    );
    expect(map(text, { a: 'B', b: 'XY', c: 'ONE' }).event).toMatchObject({
      action: 'x.b',
      reason: 'b is XY',
      severity: 'low',
    });
    expect(map(text, { a: 'b', b: 'z', c: 'two' }).event).toMatchObject({
      reason: 'none',
      severity: 'medium',
    });
    expect(map(text, { a: 'b' }).event).toMatchObject({ severity: 'informational' });
  });

  it('asks whether a field is there', () => {
    const text = mapping(event('reason: [{when: {b: false}, give: without}, {when: {b: true}, give: with}]'));
    expect(map(text, { a: 'b', b: null }).event).toMatchObject({ reason: 'without' });
    expect(map(text, { a: 'b', b: [''] }).event).toMatchObject({ reason: 'without' });
    expect(map(text, { a: 'b', b: 0 }).event).toMatchObject({ reason: 'with' });
  });

  it('makes a target of each element, and none of what has no name', () => {
    const text = mapping(
      event(`targets:\n  - {each: t.list, type: '{type|snake}', id: '{id}'}\n  - {type: thing, id: '{b}'}`),
    );
    const list = [{ type: 'TwoWords', id: 1 }, { type: 'x' }, { id: 2 }, 'text', null];
    expect(map(text, { a: 'b', t: { list } }).event.targets).toEqual([{ type: 'two_words', id: '1' }]);
    expect(map(text, { a: 'b', b: 'c' }).event.targets).toEqual([{ type: 'thing', id: 'c' }]);
  });

  it('cuts what is long, and leaves out what an event does not take', () => {
    const text = mapping(
      event(`
outcome: '{o}'
actor: {type: '{t}', id: '{id}', email: '{id|email}'}
source: {ip: '{ip}', port: '{port}'}
context: {http: {status: '{status}'}}
`),
    );
    const { event: mapped } = map(text, {
      ...{
        a: 'b',
        o: 'maybe',
        t: 'user',
        id: `${'x'.repeat(255)}\u{1f600}`,
        ip: '192.0.2',
        port: '70000',
        status: '42',
      },
    });
    expect(mapped).toMatchObject({ action: 'x.b', actor: { type: 'user', id: 'x'.repeat(255) } });
    for (const name of ['outcome', 'source', 'context']) expect(mapped).not.toHaveProperty(name);
    expect(map(text, { a: 'b', t: 'martian', id: 'x' }).event).not.toHaveProperty('actor');
    expect(map(text, { a: 'b', ip: '::ffff:192.0.2.7', port: 22, status: 404 }).event).toMatchObject({
      source: { ip: '192.0.2.7', port: 22 },
      context: { http: { status: 404 } },
    });
  });

  it.each([
    ['two documents', `${mapping(event())}---\na: b\n`],
    ['no document', ''],
    ['a key twice', `name: a\n${mapping(event())}`],
    ['an unknown key', mapping(`${event()}\nsurprise: 1`)],
    ['an unknown filter', mapping(event("reason: '{a|shout}'"))],
    ['a filter of every object', mapping(event("reason: '{a|constructor}'"))],
    ['an unknown table', mapping(event("reason: {table: constructor, of: '{a}'}"))],
    ['an open brace', mapping(event("reason: '{a'"))],
    ['a brace that was not opened', mapping(event("reason: 'a} {b}'"))],
    ['a word that is no outcome', mapping(event('outcome: [success, fine]'))],
    [
      'a word in a table that is no category',
      mapping(event("category: {table: c, of: '{a}'}"), 'tables: {c: {x: nonsense}}'),
    ],
    ['a pattern that cannot be', mapping(`${event()}\npatterns: [{match: '(a'}]`)],
    ['a pattern that would go back', mapping(`${event()}\npatterns: [{match: '(a)\\1'}]`)],
    ['alternatives without end', mapping(event(`reason: ${'['.repeat(30)}x${']'.repeat(30)}`))],
  ])('with %s is refused', (_name, text) => {
    expect(() => loadMapping(text)).toThrow(RuleError);
  });
});
