import { describe, expect, it } from 'vitest';
import { parseSyslogLine } from './syslog-line.ts';

const clock = { latestMs: Date.UTC(2026, 5, 30), offsetMinutes: 60 };
const parse = (line: string): readonly unknown[] | undefined => {
  const parsed = parseSyslogLine(line, clock);
  return (
    parsed && [
      parsed.timeMs === undefined ? undefined : new Date(parsed.timeMs).toISOString(),
      parsed.host,
      parsed.program,
      parsed.pid,
      parsed.message,
    ]
  );
};

describe('parseSyslogLine', () => {
  it.each([
    ['Feb  2 14:10:21 h sshd[12]: m: n', '2026-02-02T13:10:21.000Z', 'h', 'sshd', '12', 'm: n'],
    ['<38>Feb 12 14:10:21 h su(pam_unix)[12]: m', '2026-02-12T13:10:21.000Z', 'h', 'su', '12', 'm'],
    ['Feb 12 2020 14:10:21: h app: m', '2020-02-12T13:10:21.000Z', 'h', 'app', undefined, 'm'],
    ['Feb 12 14:10:21.25 h app: m', '2026-02-12T13:10:21.250Z', 'h', 'app', undefined, 'm'],
    ['Feb 12 14:10:21 sshd[12]: m', '2026-02-12T13:10:21.000Z', undefined, 'sshd', '12', 'm'],
    ['Feb 12 14:10:21 h /usr/sbin/sshd[12]: m', '2026-02-12T13:10:21.000Z', 'h', 'sshd', '12', 'm'],
    ['Feb 12 14:10:21 h postfix/smtpd[1]: m', '2026-02-12T13:10:21.000Z', 'h', 'postfix/smtpd', '1', 'm'],
    [
      'Feb 12 14:10:21 h says something',
      '2026-02-12T13:10:21.000Z',
      'h',
      undefined,
      undefined,
      'says something',
    ],
    ['Feb 12 14:10:21 h sshd[12]:', '2026-02-12T13:10:21.000Z', 'h', 'sshd', '12', ''],
    ['2026-02-12T14:10:21.123456+02:00 h sshd[12]: m', '2026-02-12T12:10:21.123Z', 'h', 'sshd', '12', 'm'],
    ['2026-02-12T14:10:21+0200 h sshd[12]: m', '2026-02-12T12:10:21.000Z', 'h', 'sshd', '12', 'm'],
    ['2026-02-12 14:10:21,5 h sshd[12]: m', '2026-02-12T13:10:21.500Z', 'h', 'sshd', '12', 'm'],
    ['Thu 2026-02-12 14:10:21 UTC h sshd[12]: m', '2026-02-12T14:10:21.000Z', 'h', 'sshd', '12', 'm'],
    ['Thu 2026-02-12 14:10:21 CET h sshd[12]: m', '2026-02-12T13:10:21.000Z', 'h', 'sshd', '12', 'm'],
    ['<86>1 2026-02-12T14:10:21Z h sshd 12 - - m', '2026-02-12T14:10:21.000Z', 'h', 'sshd', '12', 'm'],
    [
      '1 2026-02-12T14:10:21Z h sshd - ID [a b="]\\""][c] \ufeffm',
      '2026-02-12T14:10:21.000Z',
      'h',
      'sshd',
      undefined,
      'm',
    ],
    ['<86>1 - - sshd - - -', undefined, undefined, 'sshd', undefined, ''],
  ])('takes %s apart', (line, ...expected) => {
    expect(parse(line)).toEqual(expected);
  });

  it.each([
    ...[
      '',
      'sshd[12]: m',
      'Feb 30 14:10:21 h sshd: m',
      'Foo 12 14:10:21 h sshd: m',
      'Feb 12 25:10:21 h sshd: m',
    ],
    ...[
      '1 2026-02-12T14:10:21Z h sshd 12 - [open m',
      '1 never h sshd 12 - - m',
      '2026-02-31T14:10:21Z h sshd: m',
    ],
    '192.0.2.7 - - [12/Feb/2026:14:10:21 +0000] "GET / HTTP/1.1" 200 1',
  ])('finds no line of syslog in %s', (line) => {
    expect(parse(line)).toBeUndefined();
  });

  it.each([
    ['message repeated 5 times: [ m [preauth]]', 'm [preauth]', '5'],
    ['message repeated 2 times: [m]', 'm', '2'],
    ['message repeated 2 times: [ m', 'message repeated 2 times: [ m', undefined],
    ['said: message repeated 2 times: [ m]', 'said: message repeated 2 times: [ m]', undefined],
  ])('takes the message out of %s', (text, message, repeated) => {
    for (const header of ['Feb 12 14:10:21 h app:', '1 2026-02-12T14:10:21Z h app - - -'])
      expect(parseSyslogLine(`${header} ${text}`, clock)).toMatchObject({
        program: 'app',
        message,
        repeated,
      });
  });
});
