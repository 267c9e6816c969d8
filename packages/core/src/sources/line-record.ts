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
      if (isErrorLogLine(line)) return { skipped: true };
      const direct = parseAccessLine(line);
      if (direct !== undefined) return { record: accessRecord(direct, line) };
      // Sent over syslog, such a line stands behind a header.
      const wrapped = parseSyslogLine(line, clock);
      if (wrapped?.program === undefined) return undefined;
      if (isErrorLogLine(wrapped.message)) return { skipped: true };
      const inner = parseAccessLine(wrapped.message);
      return inner && { record: { ...accessRecord(inner, wrapped.message), server: wrapped.host } };
    }
  }
}

const accessRecord = ({ timeMs, ...fields }: AccessLine, line: string): LineRecord => ({
  ...fields,
  time: timeMs,
  message: line,
});
