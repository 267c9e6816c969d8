import type { Alert, AlertDetails, AlertStep, Finding } from '@sealtrail/core';
import type { AlertContext } from './alert-context.ts';
import { statusText } from './alert-text.ts';
import { entryColumns, entryRow } from './events.ts';
import { printable, printableLines } from './printable.ts';
import { type Column, table } from './table.ts';
import { wrap } from './text-width.ts';
import { durationText, timeText } from './time-text.ts';

/** Wider lines are hard to read. */
const maxTextColumns = 100;
const minTextColumns = 40;
const indent = 2;
const labelColumns = 'silenced by'.length;
/** Findings that are shown; the JSON has all that the server gives. */
const maxFindings = 10;

const findingColumns: readonly Column[] = [
  { heading: 'FROM', isWhole: true },
  { heading: 'UNTIL', isWhole: true },
  { heading: 'PEAK', isWhole: true },
  { heading: 'ENTRIES' },
];

/** All of an alert, for people. */
export function alertReport(
  { alert, steps, findings }: AlertDetails,
  { description, entries }: AlertContext,
  columns: number,
): string {
  const width = Math.max(minTextColumns, Math.min(columns, maxTextColumns));
  const sections = [
    wrap(printable(alert.rule.title), width),
    description === undefined ? [] : wrap(printable(description.trim().replace(/\s+/g, ' ')), width),
    factLines(alert, width),
    entryLines(alert, entries, columns),
    findingLines(alert, findings, columns),
    ['What was done', ...steps.flatMap((step) => stepLines(step, width))],
  ];
  const texts = sections.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'));
  return printableLines(`${texts.join('\n\n')}\n`);
}

function factLines(alert: Alert, width: number): string[] {
  const { entity, firstEventAt, lastEventAt, openedAt } = alert;
  const facts: readonly (readonly [label: string, ...values: readonly string[]])[] = [
    ['alert', alert.id],
    ['level', `${alert.level}, risk ${alert.risk}`],
    [
      'status',
      statusText(alert),
      ...(alert.duplicateOf === null ? [] : [`duplicate of ${alert.duplicateOf}`]),
    ],
    ['about', ...Object.entries(entity).map(([field, value]) => `${field} = ${value}`)],
    ['actors', ...joined(alert.actors)],
    ['addresses', ...joined(alert.addresses)],
    ['tenant', ...(alert.tenant === null ? [] : [alert.tenant])],
    ['first event', timeText(firstEventAt)],
    ['last event', `${timeText(lastEventAt)}${laterBy(firstEventAt, lastEventAt)}`],
    ['opened', `${timeText(openedAt)}${laterBy(firstEventAt, openedAt)}`],
    ['silenced by', ...joined(alert.silencedBy)],
    ['part of', ...joined(alert.inhibitedBy)],
    ['rule', alert.rule.key],
    ['tags', ...joined(alert.tags)],
  ];
  const room = width - indent - labelColumns - indent;
  return facts.flatMap(([label, ...values]) =>
    values
      .flatMap((value) => wrap(printable(value), room))
      .map((line, n) => `${' '.repeat(indent)}${(n === 0 ? label : '').padEnd(labelColumns)}  ${line}`),
  );
}

const joined = (values: readonly string[]): string[] => (values.length === 0 ? [] : [values.join(', ')]);

/** How long after the first event something was; nothing where they are within a second. */
function laterBy(first: string, time: string): string {
  const seconds = (Date.parse(time) - Date.parse(first)) / 1000;
  return seconds >= 1 ? ` (${durationText(seconds)} after the first)` : '';
}

/** Entries that could be read as a table, and of the others their numbers. */
function entryLines(alert: Alert, entries: AlertContext['entries'], columns: number): string[] {
  const read = new Set(entries.map(({ index }) => index));
  const unread = alert.entries.filter((index) => !read.has(index));
  return [
    printable(`Entries of ${alert.trail}`),
    ...(entries.length > 0 ? setIn(entryColumns, entries.map(entryRow), columns) : []),
    ...(unread.length > 0 ? [`${' '.repeat(indent)}could not be read: ${unread.join(', ')}`] : []),
  ];
}

function findingLines(alert: Alert, findings: readonly Finding[], columns: number): string[] {
  const shown = findings.slice(0, maxFindings);
  const more = alert.findings - shown.length;
  const rows = shown.map(({ kind, startedAt, lastAt, peak, value, entries }) => [
    timeText(startedAt),
    timeText(lastAt),
    value !== null ? String(value) : kind === 'match' ? '' : String(peak),
    entries.join(' '),
  ]);
  return [
    `Findings (${alert.findings})`,
    ...setIn(findingColumns, rows, columns),
    ...(more > 0 ? [`${' '.repeat(indent)}and ${more} before these; --json tells more of them`] : []),
  ];
}

/** A table, set in from its heading. */
const setIn = (columns: readonly Column[], rows: readonly (readonly string[])[], room: number): string[] =>
  table(columns, rows, room - indent)
    .trimEnd()
    .split('\n')
    .map((line) => `${' '.repeat(indent)}${line}`);

function stepLines(step: AlertStep, width: number): string[] {
  const at = timeText(step.at);
  const margin = indent + at.length + 2;
  const what = `${stepText(step)} by ${step.by ?? 'the server'}`;
  const note = step.note === null ? [] : step.note.split('\n').map((line) => `“${line}”`);
  return [what, ...note]
    .flatMap((text) => wrap(printable(text), width - margin))
    .map((line, n) => (n === 0 ? `${' '.repeat(indent)}${at}  ${line}` : `${' '.repeat(margin)}${line}`));
}

function stepText({ action, assignee, disposition }: AlertStep): string {
  switch (action) {
    case 'open':
      return 'opened';
    case 'acknowledge':
      return 'acknowledged';
    case 'assign':
      return `assigned to ${assignee ?? 'nobody'}`;
    case 'resolve':
      return `resolved as ${(disposition ?? 'nothing').replaceAll('_', ' ')}`;
    case 'reopen':
      return 'reopened';
    case 'note':
      return 'noted';
  }
}
