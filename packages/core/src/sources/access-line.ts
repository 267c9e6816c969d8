import { ipKey } from '../query/ip.ts';
import { civilToMs, monthOf, offsetOf } from './source-time.ts';

/** A line of an access log, taken apart. Fields that the server has no value for (`-`) are absent. */
export interface AccessLine {
  readonly timeMs: number;
  /** The address, or the name, of the client. */
  readonly client: string;
  /** The virtual host, where the format names it. */
  readonly host: string | undefined;
  readonly user: string | undefined;
  /** The first line of the request as it was sent. */
  readonly request: string;
  /** Absent where the request was none of HTTP. */
  readonly method: string | undefined;
  readonly target: string | undefined;
  readonly stem: string | undefined;
  readonly query: string | undefined;
  readonly version: string | undefined;
  readonly status: number | undefined;
  readonly bytes: string | undefined;
  readonly referer: string | undefined;
  /** Empty where none was sent; absent where the format does not tell. */
  readonly userAgent: string | undefined;
}

/** A quotation mark in a user's name is escaped, so that the first of these is the server's own. */
const timeThenQuote = / \[(\d{2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-]\d{2})(\d{2})\] "/;
const statusAndBytes = /^ (\d{3}|-) (\d{1,19}|-)(?= |$)/;
const requestLine = /^([A-Za-z][A-Za-z_-]{0,31}) (.*?)(?: (HTTP\/\d(?:\.\d)?))?$/s;

/**
 * Takes a line apart that is in the common or the combined format of Apache and nginx, with a virtual host in front of it
 * or further fields behind it, as both can be set up.
 *
 * @returns undefined where the line is in none of these
 */
export function parseAccessLine(line: string): AccessLine | undefined {
  const time = timeThenQuote.exec(line);
  if (!time) return undefined;
  const [, day, month, year, hour, minute, second, zoneHours, zoneMinutes] = time;
  const timeMs = civilToMs(
    {
      year: Number(year),
      month: monthOf(month!),
      day: Number(day),
      hour: Number(hour),
      minute: Number(minute),
      second: Number(second),
      ms: 0,
    },
    offsetOf(zoneHours!, zoneMinutes!),
  );
  const who = clientOf(line.slice(0, time.index));
  const request = quoted(line, time.index + time[0].length - 1);
  if (timeMs === undefined || who === undefined || request === undefined) return undefined;
  const answer = statusAndBytes.exec(line.slice(request.end));
  if (!answer) return undefined;
  const referer = quotedNext(line, request.end + answer[0].length);
  const userAgent = referer && quotedNext(line, referer.end);
  const [, method, target, version] = requestLine.exec(request.text) ?? [];
  const mark = target?.indexOf('?') ?? -1;
  return {
    timeMs,
    ...who,
    request: request.text,
    method,
    target,
    stem: mark < 0 ? target : target!.slice(0, mark),
    query: mark < 0 ? undefined : target!.slice(mark + 1),
    version,
    status: answer[1] === '-' ? undefined : Number(answer[1]),
    bytes: known(answer[2]),
    referer: known(referer?.text),
    userAgent: userAgent && (userAgent.text === '-' ? '' : userAgent.text),
  };
}

/** What stands before the time: client, identity and user, maybe behind a virtual host. A user's name may have spaces. */
function clientOf(text: string): Pick<AccessLine, 'client' | 'host' | 'user'> | undefined {
  const words = text.split(' ');
  if (words.length < 3) return undefined;
  const hasHost = words.length > 3 && ipKey(words[0]!) === undefined && ipKey(words[1]!) !== undefined;
  const [host, client, , ...user] = hasHost ? words : [undefined, ...words];
  if (client === undefined || client === '' || user.length === 0) return undefined;
  return { client, host: known(host), user: known(user.join(' ')) };
}

interface Quoted {
  readonly text: string;
  /** Behind the closing mark. */
  readonly end: number;
}

/** A text in quotation marks, in which `\"` and `\\` stand for themselves. */
function quoted(line: string, start: number): Quoted | undefined {
  let text = '';
  let from = start + 1;
  for (let at = from; at < line.length; at++) {
    const char = line[at];
    if (char === '"') return { text: text + line.slice(from, at), end: at + 1 };
    if (char !== '\\') continue;
    const next = line[at + 1];
    if (next === '"' || next === '\\') {
      text += line.slice(from, at) + next;
      from = at + 2;
      at++;
    }
  }
  return undefined;
}

const quotedNext = (line: string, at: number): Quoted | undefined =>
  line.startsWith(' "', at) ? quoted(line, at + 1) : undefined;

const known = (text: string | undefined): string | undefined =>
  text === '-' || text === '' ? undefined : text;

/** Lines that servers write into the same files, and that are about no request. */
const otherLines =
  /^(?:\d{4}\/\d{2}\/\d{2} \d{2}:\d{2}:\d{2} \[[a-z]{1,8}\] |\[[A-Z][a-z]{2} [A-Z][a-z]{2} {1,2}\d{1,2} [\d:.]{8,15} \d{4}\] \[)/;

/** Whether a line is one of an error log of nginx or Apache. */
export const isErrorLogLine = (line: string): boolean => otherLines.test(line);
