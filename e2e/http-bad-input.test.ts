import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemOf, startServer, type TestServer } from './support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ maxBodyBytes: 2 * 1024 * 1024 });
});
afterAll(() => server[Symbol.asyncDispose]());

const json = 'application/json';
const ndjson = 'application/x-ndjson';
const good = '{"action":"a"}';
const utf8 = (text: string): Buffer => Buffer.from(text);
const bytes = (...pieces: readonly (string | readonly number[])[]): Buffer =>
  Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? utf8(piece) : Buffer.from(piece))));

interface Case {
  readonly name: string;
  readonly body: string | Buffer;
  readonly type?: string;
  readonly headers?: Record<string, string>;
  readonly status: number;
  readonly code: string;
  /** The first place that is named: position and pointer. */
  readonly at?: readonly [position: number, pointer?: string];
}

const refused = (
  name: string,
  body: string | Buffer,
  status: number,
  code: string,
  at?: readonly [number, string?],
  further: Partial<Case> = {},
): Case => ({ name, body, status, code, ...(at && { at }), ...further });

const event = (members: string): string => `{"action":"a",${members}}`;
const metadata = (text: string): string => event(`"metadata":${text}`);
const invalid = (name: string, members: string, pointer: string): Case =>
  refused(name, event(members), 422, 'invalid_event', [0, pointer]);
const key = (i: number): string => `"k${i}":1`;
const manyKeys = Array.from({ length: 600 }, (_, i) => key(i)).join(',');
const bomb = (size: number): Buffer => utf8(event(`"reason":"${' '.repeat(size)}"`));

const firstFrame = zstdCompressSync(`${good}\n`);
const threeFrames = Buffer.concat([firstFrame, firstFrame, firstFrame]);

const cases: readonly Case[] = [
  // Not JSON.
  refused('malformed JSON', '{"action":}', 400, 'malformed_json', [0, '']),
  refused('NaN', metadata('{"x":NaN}'), 400, 'malformed_json', [0, '']),
  refused('a comment', '{"action":"a"/**/}', 400, 'malformed_json', [0, '']),
  refused('truncated JSON', '{"action":"a"', 400, 'malformed_json'),
  refused('a truncated string', '{"action":"a', 400, 'malformed_json'),
  refused('a truncated array', `[${good}`, 400, 'malformed_json', [1]),
  refused('trailing garbage', `${good} x`, 400, 'malformed_json'),
  refused('a second object', `${good}${good}`, 400, 'malformed_json'),
  refused('garbage behind an array', `[${good}]]`, 400, 'malformed_json', [1]),
  refused('a comma too many', `[${good},]`, 400, 'malformed_json', [1]),
  refused('an empty body', '', 400, 'malformed_json'),
  refused('white space', ' \n', 400, 'malformed_json'),
  refused('a byte order mark', bytes([0xef, 0xbb, 0xbf], good), 400, 'malformed_json'),
  refused('UTF-16', Buffer.from(good, 'utf16le'), 400, 'malformed_json'),
  // Not the right JSON.
  refused('text', '"a"', 422, 'invalid_event'),
  refused('a number', '42', 422, 'invalid_event'),
  refused('null', 'null', 422, 'invalid_event'),
  refused('an empty array', '[]', 422, 'invalid_body'),
  refused('an element that is no object', `[${good},7]`, 422, 'invalid_event', [1]),
  refused('an array in an array', `[[${good}]]`, 422, 'invalid_event', [0]),
  refused('an object without an action', '{}', 422, 'invalid_event', [0, '/action']),
  refused('the second event of three', `[${good},{"action":1},${good}]`, 422, 'invalid_event', [
    1,
    '/action',
  ]),
  // Encoding.
  refused('a stray byte', bytes('{"action":"a","reason":"', [0xff], '"}'), 400, 'invalid_utf8', [0]),
  refused(
    'a surrogate in UTF-8',
    bytes('{"action":"a","reason":"', [0xed, 0xa0, 0x80], '"}'),
    400,
    'invalid_utf8',
    [0],
  ),
  refused(
    'invalid UTF-8 in the second event',
    bytes(`[${good},{"action":"`, [0xc0, 0xaf], '"}]'),
    400,
    'invalid_utf8',
    [1],
  ),
  refused('a lone surrogate, escaped', event('"reason":"\\ud800"'), 422, 'invalid_event', [0, '/reason']),
  refused('a lone surrogate in a key', metadata('{"\\udc00":1}'), 422, 'invalid_event', [0, '/metadata']),
  // Structure.
  refused('a key twice', event('"action":"b"'), 400, 'duplicate_key', [0, '/action']),
  refused('a key twice, nested', metadata('{"x":[{"k":1,"k":2}]}'), 400, 'duplicate_key', [
    0,
    '/metadata/x/0/k',
  ]),
  refused('a key twice, once escaped', metadata('{"a":1,"\\u0061":2}'), 400, 'duplicate_key', [
    0,
    '/metadata/a',
  ]),
  refused('__proto__', event('"__proto__":{"admin":true}'), 422, 'invalid_event', [0, '/__proto__']),
  refused('__proto__, nested', metadata('{"x":{"__proto__":1}}'), 422, 'invalid_event', [
    0,
    '/metadata/x/__proto__',
  ]),
  refused('constructor', event('"constructor":1'), 422, 'invalid_event', [0, '/constructor']),
  refused('deep nesting', metadata(`{"x":${'['.repeat(50)}${']'.repeat(50)}}`), 422, 'invalid_event'),
  refused(
    'deep nesting in an array',
    `[${good},${metadata(`{"x":${'['.repeat(50)}${']'.repeat(50)}}`)}]`,
    422,
    'invalid_event',
    [1],
  ),
  refused('nesting without end', `{"a":${'['.repeat(500_000)}`, 422, 'invalid_event'),
  refused('too many keys', metadata(`{${manyKeys}}`), 422, 'invalid_event', [0, '']),
  refused('a long key', metadata(`{"${'k'.repeat(129)}":1}`), 422, 'invalid_event', [
    0,
    `/metadata/${'k'.repeat(128)}`,
  ]),
  refused(
    'an entry beyond 60 KiB',
    metadata(`{"x":"${'x'.repeat(60 * 1024)}"}`),
    422,
    'entry_too_large',
    [0],
  ),
  refused(
    'an event far beyond 60 KiB',
    metadata(`{"x":"${'x'.repeat(500_000)}"}`),
    422,
    'entry_too_large',
    [0],
  ),
  // Values.
  invalid('an unknown field', '"colour":"red"', '/colour'),
  invalid('an unknown field of the actor', '"actor":{"type":"user","age":1}', '/actor/age'),
  invalid('a wrong type', '"actor":"ann"', '/actor'),
  invalid('null', '"reason":null', '/reason'),
  invalid('1e400', '"metadata":{"x":1e400}', '/metadata/x'),
  invalid('1e-400', '"metadata":{"x":1e-400}', '/metadata/x'),
  invalid('digits beyond a double', '"metadata":{"x":0.1000000000000000055511151231257827}', '/metadata/x'),
  invalid('a huge integer', '"metadata":{"x":9007199254740993}', '/metadata/x'),
  invalid('a time before 1970', '"time":"1969-12-31T23:59:59Z"', '/time'),
  invalid('30 February', '"time":"2026-02-30T00:00:00Z"', '/time'),
  invalid('a leap second', '"time":"2016-12-31T23:59:60Z"', '/time'),
  invalid('24 o’clock', '"time":"2026-01-31T24:00:00Z"', '/time'),
  invalid('the year 10000', '"time":"10000-01-01T00:00:00Z"', '/time'),
  invalid('a time without a zone', '"time":"2026-01-31T09:30:00"', '/time'),
  invalid('a date', '"time":"2026-01-31"', '/time'),
  invalid('a time as a number', '"time":1769851800', '/time'),
  invalid('an id that is no UUID', '"id":"evt_1"', '/id'),
  invalid('an empty id', '"id":""', '/id'),
  invalid('a trail that leads elsewhere', '"trail":"../main"', '/trail'),
  invalid('another schema version', '"schemaVersion":2', '/schemaVersion'),
  invalid('a receive time', '"receivedAt":"2026-01-31T09:30:00.000Z"', '/receivedAt'),
  invalid('a trail name with two dots', '"trail":"a..b"', '/trail'),
  refused('writing to system', event('"trail":"system"'), 403, 'forbidden', [0, '/trail']),
  // Sizes.
  refused(
    'a body that is too large',
    `[${Array(400)
      .fill(metadata(`{"x":"${'x'.repeat(6000)}"}`))
      .join(',')}]`,
    413,
    'body_too_large',
  ),
  refused('too many events', `[${Array(10_001).fill(good).join(',')}]`, 413, 'body_too_large', [10_000]),
  refused('a gzip bomb', gzipSync(bomb(64 * 1024 * 1024)), 413, 'body_too_large', undefined, {
    headers: { 'content-encoding': 'gzip' },
  }),
  refused('a zstd bomb', zstdCompressSync(bomb(64 * 1024 * 1024)), 413, 'body_too_large', undefined, {
    headers: { 'content-encoding': 'zstd' },
  }),
  // Encodings and types.
  refused('truncated gzip', gzipSync(good).subarray(0, -6), 400, 'malformed_json', undefined, {
    headers: { 'content-encoding': 'gzip' },
  }),
  refused(
    'truncated zstd',
    zstdCompressSync(`[${Array(2000).fill(good).join()}]`).subarray(0, -6),
    400,
    'malformed_json',
    undefined,
    { headers: { 'content-encoding': 'zstd' } },
  ),
  refused('gzip that is none', good, 400, 'malformed_json', undefined, {
    headers: { 'content-encoding': 'gzip' },
  }),
  ...[
    ['gzip and a null byte', 'gzip', gzipSync(good), Buffer.alloc(1)],
    ['gzip and garbage', 'gzip', gzipSync(good), Buffer.from('garbage')],
    ['zstd and garbage', 'zstd', zstdCompressSync(good), Buffer.from('garbage')],
    ['zstd and the beginning of a frame', 'zstd', zstdCompressSync(good), Buffer.from([0x28, 0xb5])],
  ].map(([name, encoding, ...pieces]) =>
    refused(name as string, Buffer.concat(pieces as Buffer[]), 400, 'malformed_json', undefined, {
      headers: { 'content-encoding': encoding as string },
    }),
  ),
  refused('zstd that is none', good, 400, 'malformed_json', undefined, {
    headers: { 'content-encoding': 'zstd' },
  }),
  refused('gzip without saying so', gzipSync(good), 400, 'malformed_json'),
  refused('brotli', good, 415, 'unsupported_media_type', undefined, {
    headers: { 'content-encoding': 'br' },
  }),
  refused('two encodings', good, 415, 'unsupported_media_type', undefined, {
    headers: { 'content-encoding': 'gzip, gzip' },
  }),
  refused('a form', 'action=a', 415, 'unsupported_media_type', undefined, {
    type: 'application/x-www-form-urlencoded',
  }),
  ...['utf-16', 'UTF-16LE', '"iso-8859-1"', '', 'utf-8; charset=utf-16'].map((charset) =>
    refused(`the charset ${charset}`, good, 415, 'unsupported_media_type', undefined, {
      type: `${json}; charset=${charset}`,
    }),
  ),
  refused('plain text', good, 415, 'unsupported_media_type', undefined, { type: 'text/plain' }),
  refused('a type out of the prototype', good, 415, 'unsupported_media_type', undefined, {
    type: 'constructor',
  }),
];

it.each([
  'charset=utf-8',
  'charset="UTF-8"',
  ' Charset = utf8',
  'version=1; charset=utf-8',
  'charset-hint=utf-16',
])('POST /v1/events takes %s', async (parameters) => {
  const headers = { 'content-type': `${json};${parameters}` };
  expect((await server.send('/v1/events', { method: 'POST', body: good, headers })).status).toBe(201);
});

const lineCases: readonly Case[] = [
  refused('no line', '', 422, 'invalid_body'),
  refused('blank lines', '\n\r\n \n', 422, 'invalid_body'),
  refused('a broken line', `${good}\n\n{"action":\n${good}`, 400, 'malformed_json', [1]),
  refused('two events on a line', `${good}\n${good} ${good}`, 400, 'malformed_json', [1]),
  refused('an array on a line', `[${good}]`, 422, 'invalid_event', [0]),
  refused('a byte order mark', bytes([0xef, 0xbb, 0xbf], good), 400, 'malformed_json', [0]),
  refused('invalid UTF-8', bytes(`${good}\n{"action":"`, [0xff], `"}\n`), 400, 'invalid_utf8', [1]),
  refused('a key twice', `${good}\n${event('"action":"b"')}`, 400, 'duplicate_key', [1, '/action']),
  refused('deep nesting', `${good}\n${'['.repeat(90)}`, 422, 'invalid_event', [1]),
  refused(
    'a line that is too long',
    `${good}\n${metadata(`{"x":"${'x'.repeat(300_000)}"}`)}\n${good}`,
    422,
    'entry_too_large',
    [1],
  ),
  refused('a line without end', 'x'.repeat(1_000_000), 422, 'entry_too_large', [0]),
  refused('too many events', `${good}\n`.repeat(10_001), 413, 'body_too_large'),
  refused(
    'a body that is too large',
    `${metadata(`{"x":"${'x'.repeat(6000)}"}`)}\n`.repeat(400),
    413,
    'body_too_large',
  ),
  refused(
    'truncated gzip',
    gzipSync(`${good}\n`.repeat(50)).subarray(0, -6),
    400,
    'malformed_json',
    undefined,
    { headers: { 'content-encoding': 'gzip' } },
  ),
  refused(
    'a second zstd frame that is none',
    Buffer.from(threeFrames.with(firstFrame.length, 0)),
    400,
    'malformed_json',
    undefined,
    {
      headers: { 'content-encoding': 'zstd' },
    },
  ),
].map((one) => ({ ...one, type: ndjson, name: `NDJSON: ${one.name}` }));

describe('POST /v1/events refuses', () => {
  it.each([...cases, ...lineCases])('$name', async ({ body, type = json, headers, status, code, at }) => {
    const before = server.size();
    const answer = await server.send('/v1/events', {
      method: 'POST',
      body: typeof body === 'string' ? body : new Uint8Array(body),
      headers: { 'content-type': type, ...headers },
    });
    const problem = problemOf(answer);
    expect([problem.status, problem.code]).toEqual([status, code]);
    if (at) expect([problem.errors?.[0]?.position, problem.errors?.[0]?.pointer]).toEqual([at[0], at[1]]);
    // Nothing of it is stored, and the next request finds the server as it was.
    expect(server.size()).toBe(before);
    await server.record({ action: 'next' });
    expect(server.size()).toBe(before + 1);
  });

  it('names every event at fault, and every place in it', async () => {
    const answer = await server.send('/v1/events', {
      method: 'POST',
      body: `[{"action":""},${good},{"action":"a","id":"x","source":{"port":-1}}]`,
      headers: { 'content-type': json },
    });
    const places = problemOf(answer).errors?.map(({ position, pointer }) => [position, pointer]);
    expect(places).toEqual(
      expect.arrayContaining([
        [0, '/action'],
        [2, '/id'],
        [2, '/source/port'],
      ]),
    );
  });

  it('bounds what it says about a request that is all wrong', async () => {
    const answer = await server.send('/v1/events', {
      method: 'POST',
      body: `[${Array(5000).fill('{"action":"","id":"","a":1,"b":2,"c":3}').join(',')}]`,
      headers: { 'content-type': json },
    });
    expect(problemOf(answer).errors?.length).toBe(100);
  });
});
