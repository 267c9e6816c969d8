import { describe, expect, it } from 'vitest';
import { isErrorLogLine, parseAccessLine } from './access-line.ts';

const time = '[12/Feb/2026:14:10:21 +0100]';

describe('parseAccessLine', () => {
  it('takes the combined format apart', () => {
    expect(
      parseAccessLine(
        `192.0.2.7 - ada ${time} "GET /a?b=c?d HTTP/1.1" 200 12 "https://example.com/" "curl/8"`,
      ),
    ).toEqual({
      timeMs: Date.UTC(2026, 1, 12, 13, 10, 21),
      client: '192.0.2.7',
      host: undefined,
      user: 'ada',
      request: 'GET /a?b=c?d HTTP/1.1',
      method: 'GET',
      target: '/a?b=c?d',
      stem: '/a',
      query: 'b=c?d',
      version: 'HTTP/1.1',
      status: 200,
      bytes: '12',
      referer: 'https://example.com/',
      userAgent: 'curl/8',
    });
  });

  it.each([
    [
      'the common format',
      `192.0.2.7 - - ${time} "GET / HTTP/1.1" 200 12`,
      { userAgent: undefined, user: undefined },
    ],
    ['no agent', `192.0.2.7 - - ${time} "GET / HTTP/1.1" 200 - "-" "-"`, { userAgent: '', bytes: undefined }],
    [
      'a virtual host',
      `a.example.com 192.0.2.7 - - ${time} "GET / HTTP/1.1" 200 1`,
      { host: 'a.example.com', client: '192.0.2.7' },
    ],
    [
      'a name for a client',
      `client.example.com - - ${time} "GET / HTTP/1.1" 200 1`,
      { client: 'client.example.com' },
    ],
    [
      'a user of two words',
      `192.0.2.7 - ada l ${time} "GET / HTTP/1.1" 200 1`,
      { user: 'ada l', host: undefined },
    ],
    [
      'blanks in the target',
      `192.0.2.7 - - ${time} "GET /a b HTTP/1.1" 200 1`,
      { target: '/a b', version: 'HTTP/1.1' },
    ],
    ['no version', `192.0.2.7 - - ${time} "GET /a" 200 1`, { target: '/a', version: undefined }],
    [
      'no request',
      `192.0.2.7 - - ${time} "-" 408 0 "-" "-"`,
      { method: undefined, request: '-', status: 408 },
    ],
    ['an empty request', `192.0.2.7 - - ${time} "" 400 0`, { method: undefined, request: '' }],
    ['no status', `192.0.2.7 - - ${time} "GET / HTTP/1.1" - -`, { status: undefined }],
    [
      'escaped marks',
      `192.0.2.7 - - ${time} "GET /\\"x\\\\ HTTP/1.1" 200 1 "-" "a \\"b\\""`,
      { target: '/"x\\', userAgent: 'a "b"' },
    ],
    [
      'a user that looks like a request',
      `192.0.2.7 - x [01/Jan/2000:00:00:00 +0000] \\"GET ${time} "GET / HTTP/1.1" 200 1`,
      { status: 200, stem: '/' },
    ],
  ])('takes a line with %s apart', (_name, line, expected) => {
    expect(parseAccessLine(line)).toMatchObject(expected);
  });

  it.each([
    '',
    'x',
    `192.0.2.7 ${time} "GET / HTTP/1.1" 200 1`,
    `192.0.2.7 - - ${time} "GET / HTTP/1.1`,
    `192.0.2.7 - - ${time} "GET / HTTP/1.1" 200`,
    `192.0.2.7 - - ${time} "GET / HTTP/1.1" 20 1`,
    '192.0.2.7 - - [31/Feb/2026:14:10:21 +0100] "GET / HTTP/1.1" 200 1',
    '192.0.2.7 - - [12/Foo/2026:14:10:21 +0100] "GET / HTTP/1.1" 200 1',
  ])('finds no request in %s', (line) => {
    expect(parseAccessLine(line)).toBeUndefined();
  });
});

describe('isErrorLogLine', () => {
  it('knows those of nginx and Apache', () => {
    expect(isErrorLogLine('2026/01/01 00:00:00 [error] 1#1: *2 x')).toBe(true);
    expect(isErrorLogLine('[Thu Feb 12 14:10:21.123456 2026] [core:error] [pid 1] x')).toBe(true);
    expect(isErrorLogLine(`192.0.2.7 - - ${time} "GET / HTTP/1.1" 200 1`)).toBe(false);
  });
});
