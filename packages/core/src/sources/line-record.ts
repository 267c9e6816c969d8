import type { RuleEvent } from '../sigma/event-fields.ts';
import { type AccessLine, isErrorLogLine, parseAccessLine } from './access-line.ts';
import type { SourceMapping } from './mapping-schema.ts';
import type { LineClock } from './source-time.ts';
import { parseSyslogLine } from './syslog-line.ts';

/** A line as a record that mappings read, with `time` in milliseconds since 1970 where the line has one. */
export type LineRecord = RuleEvent & { readonly message: string };

/** What a line is: a record, nothing of this source, or undefined where it is broken. */
export type ParsedLine = { readonly record: LineRecord } | { readonly skipped: true } | undefined;

/** Takes a line apart as the source's lines are made. Attacker-controlled input; linear in the length of the line. */
export function parseLine(
  input: Exclude<SourceMapping['input'], 'json'>,
  line: string,
  clock: LineClock,
): ParsedLine {
  switch (input) {
    case 'syslog': {
      const parsed = parseSyslogLine(line, clock);
      if (parsed === undefined) return undefined;
      const { timeMs, ...fields } = parsed;
      return { record: { ...fields, time: timeMs } };
    }
    case 'access-log': {
      // Sent over syslog, such a line stands behind a header.
      const header = parseSyslogLine(line, clock);
      const message = header?.program === undefined ? line : header.message;
      if (isErrorLogLine(message)) return { skipped: true };
      const parsed = parseAccessLine(message);
      return parsed && { record: { ...accessRecord(parsed, message), server: header?.host } };
    }
  }
}

const accessRecord = ({ timeMs, ...fields }: AccessLine, line: string): LineRecord => ({
  ...fields,
  time: timeMs,
  message: line,
});
