import { civilToMs, type LineClock, monthOf, parseSourceTime, withoutYear } from './source-time.ts';

/** A line of a system log, taken apart. */
export interface SyslogLine {
  readonly timeMs: number | undefined;
  readonly host: string | undefined;
  /** The program, without a folder in front of it; undefined where the line names none. */
  readonly program: string | undefined;
  readonly pid: string | undefined;
  /** Without what a daemon writes around one that it has passed on for several. */
  readonly message: string;
  /** How many messages in a row it stands for, where the line says so: digits. */
  readonly repeated: string | undefined;
}

const priority = /^<\d{1,3}>/;
const rfc5424 = /^1 (-|\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) /;
const bsdTime =
  /^([A-Z][a-z]{2}) {1,2}(\d{1,2}) (?:(\d{4}) )?(\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?(?: (\d{4}))?:? /;
const isoTime =
  /^(?:[A-Z][a-z]{2} )?(\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?)(Z| ?[+-]\d{2}:?\d{2}| [A-Z]{2,5}(?= ))? /;
/** `sshd[123]:`, `sudo:`, `su(pam_unix)[12]:`. */
const tag = /^([^\s:[\]()]{1,128})(?:\([^\s()]{1,64}\))?(?:\[([^\s\]]{1,32})\])?:(?: |$)/;
/** How rsyslog writes the last of several equal messages (`$RepeatedMsgReduction`), whole and in brackets. */
const repetition = /^message repeated (\d{1,9}) times: \[ ?(.*)\]$/s;
const hostThenTag = /^(\S{1,255}) /;

/**
 * Takes a line of syslog apart: RFC 5424, RFC 3164 as it is written to files and sent, and the forms with ISO 8601 times of
 * rsyslog, systemd-journald and others.
 *
 * @returns undefined where the line does not begin as such lines do
 */
export function parseSyslogLine(line: string, clock: LineClock): SyslogLine | undefined {
  const text = line.replace(priority, '');
  return parse5424(text, clock) ?? parseBsd(text, clock) ?? parseIso(text, clock);
}

function parse5424(text: string, clock: LineClock): SyslogLine | undefined {
  const found = rfc5424.exec(text);
  if (!found) return undefined;
  const [header, time, host, program, pid] = found;
  const end = endOfStructuredData(text, header!.length);
  if (end === undefined) return undefined;
  const timeMs = time === '-' ? undefined : parseSourceTime(time!, clock.offsetMinutes);
  if (time !== '-' && timeMs === undefined) return undefined;
  // RFC 5424 section 6.4: a byte order mark says that the message is UTF-8.
  const message = text
    .slice(end)
    .replace(/^ /, '')
    .replace(/^\ufeff/, '');
  return {
    timeMs,
    host: known(host),
    program: programOf(known(program)),
    pid: known(pid),
    ...unrepeated(message),
  };
}

/** RFC 5424 section 6.3. Values are in quotation marks, in which a backslash keeps one from ending them. */
function endOfStructuredData(text: string, start: number): number | undefined {
  if (text[start] === '-') return start + 1;
  let at = start;
  while (text[at] === '[') {
    let isQuoted = false;
    for (at++; at < text.length; at++) {
      const char = text[at];
      if (isQuoted && char === '\\') at++;
      else if (char === '"') isQuoted = !isQuoted;
      else if (char === ']' && !isQuoted) break;
    }
    if (at >= text.length) return undefined;
    at++;
  }
  return at === start ? undefined : at;
}

function parseBsd(text: string, clock: LineClock): SyslogLine | undefined {
  const found = bsdTime.exec(text);
  if (!found) return undefined;
  const [header, month, day, yearBefore, hour, minute, second, fraction = '', yearBehind] = found;
  const civil = {
    month: monthOf(month!),
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    ms: Number(fraction.slice(0, 3).padEnd(3, '0')),
  };
  const year = yearBefore ?? yearBehind;
  const timeMs =
    year === undefined
      ? withoutYear(civil, clock)
      : civilToMs({ ...civil, year: Number(year) }, clock.offsetMinutes);
  return timeMs === undefined ? undefined : { timeMs, ...parseRest(text.slice(header!.length)) };
}

function parseIso(text: string, clock: LineClock): SyslogLine | undefined {
  const found = isoTime.exec(text);
  if (!found) return undefined;
  const [header, time, zone = ''] = found;
  // Names of zones other than UTC say nothing for sure.
  const offset = /^ (?:UTC|GMT)$/.test(zone) ? 'Z' : zone.trim();
  const timeMs = parseSourceTime(`${time}${/^[A-Z]{2,}$/.test(offset) ? '' : offset}`, clock.offsetMinutes);
  return timeMs === undefined ? undefined : { timeMs, ...parseRest(text.slice(header!.length)) };
}

/** Behind the time: a host, which some leave out, the program, and the message. */
function parseRest(text: string): Omit<SyslogLine, 'timeMs'> {
  const bare = tag.exec(text);
  if (bare) return { host: undefined, ...tagged(text, bare) };
  const host = hostThenTag.exec(text);
  const rest = host ? text.slice(host[0].length).trimStart() : '';
  const found = tag.exec(rest);
  if (!host || !found)
    return { host: host?.[1], program: undefined, pid: undefined, message: rest, repeated: undefined };
  return { host: host[1], ...tagged(rest, found) };
}

function tagged(text: string, found: RegExpExecArray): Omit<SyslogLine, 'timeMs' | 'host'> {
  return { program: programOf(found[1]), pid: found[2], ...unrepeated(text.slice(found[0].length)) };
}

function unrepeated(message: string): Pick<SyslogLine, 'message' | 'repeated'> {
  const [, repeated, inner = message] = repetition.exec(message) ?? [];
  return { message: inner, repeated };
}

const known = (text: string | undefined): string | undefined => (text === '-' ? undefined : text);

/** `/usr/sbin/sshd` is `sshd`; `postfix/smtpd` stays, since the first part tells more. */
const programOf = (name: string | undefined): string | undefined =>
  name?.startsWith('/') ? name.slice(name.lastIndexOf('/') + 1) : name;
