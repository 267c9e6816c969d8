import {
  type CheckResult,
  type EntryVerdict,
  type TrailVerdict,
  type VerdictCode,
  verdictCodes,
} from '@sealtrail/core';
import type { FolderVerdict } from '../verify/verify-folder.ts';
import { entriesOf, tierOf, unwitnessedText, waitingText } from './coverage-text.ts';
import { printable } from './printable.ts';
import { type Column, table } from './table.ts';
import { wrap as wrapText } from './text-width.ts';

/** Trails whose failures are told in full; further ones are told by their line of the table, and in the JSON. */
const maxTrailsInFull = 20;
/** Checks of what follows from the entries. */
const derived: ReadonlySet<string> = new Set(['tiles', 'store']);
/** Wider lines are hard to read. */
const maxTextColumns = 100;

/** What is said of evidence quotes it. */
const wrap = (text: string, columns: number): string[] => wrapText(printable(text), columns);

/**
 * A verdict for people: a line a trail; then what failed, with the entries concerned, what happened and what to look at;
 * last whose keys were used and the verdict on the whole.
 */
export function verifyReport(verdict: FolderVerdict, columns: number): string {
  const width = Math.max(20, Math.min(columns, maxTextColumns));
  const failing = verdict.trails.filter(({ ok }) => !ok);
  const further = failing.slice(maxTrailsInFull);
  const sections = [
    trailTable(verdict.trails, columns),
    ...[waitingText(verdict.trails), unwitnessedText(verdict.trails)].map((text) =>
      text === undefined ? [] : wrap(text, width),
    ),
    verdict.checks.length === 0 ? [] : ['✗ the folder', ...checkLines(verdict.checks, width)],
    ...failing.slice(0, maxTrailsInFull).map((trail) => failureLines(trail, width)),
    further.length === 0
      ? []
      : wrap(
          `✗ ${further.length.toLocaleString('en')} more trails failed: --trail NAME or --json tells how.`,
          width,
        ),
    [...wrap(keysText(verdict), width), ...wrap(conclusion(verdict), width)],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** A verdict on one entry, for people: what was checked, and how far an outsider has to trust the operator. */
export function entryReport(verdict: EntryVerdict, columns: number): string {
  const width = Math.max(20, Math.min(columns, maxTextColumns));
  const marks = { passed: '✓', failed: '✗', skipped: '·', not_covered: '·' } as const;
  const lines = verdict.checks.flatMap(({ check, status, message, advice }) => [
    ...wrap(`${check}: ${message}`, width - 2).map((line, i) => `${i === 0 ? marks[status] : ' '} ${line}`),
    ...(advice === undefined ? [] : wrap(`→ ${advice}`, width - 4).map((line) => `    ${line}`)),
  ]);
  const { ok, code, index, origin } = verdict;
  const end = ok ? `✓ intact: entry ${index} of ${origin}` : `✗ NOT PROVEN (${wordsOf(code)})`;
  return `${[...lines, '', ...wrap(end, width)].join('\n')}\n`;
}

function trailTable(trails: readonly TrailVerdict[], columns: number): string[] {
  if (trails.length === 0) return [];
  const right = (heading: string, numbers: readonly number[]): string[] => {
    const cells = [heading, ...numbers.map((number) => number.toLocaleString('en'))];
    const width = Math.max(...cells.map((cell) => cell.length));
    return cells.map((cell) => cell.padStart(width));
  };
  const [entriesHead, ...entries] = right(
    'ENTRIES',
    trails.map(({ size }) => size),
  );
  const [signedHead, ...signed] = right(
    'SIGNED',
    trails.map(({ coveredSize }) => coveredSize),
  );
  const rows = trails.map((trail, i) => [
    `${trail.ok ? '✓' : '✗'} ${trail.trail}`,
    wordsOf(trail.code),
    entries[i]!,
    signed[i]!,
    tierOf(trail),
  ]);
  const headings: readonly Column[] = [
    { heading: '  TRAIL' },
    { heading: 'VERDICT', isWhole: true },
    { heading: entriesHead!, isWhole: true },
    { heading: signedHead!, isWhole: true },
    { heading: 'ASSURANCE' },
  ];
  return table(headings, rows, columns).trimEnd().split('\n');
}

function failureLines(verdict: TrailVerdict, width: number): string[] {
  const failed = verdict.checks.filter(({ status }) => status === 'failed');
  return [
    ...wrap(`✗ ${verdict.trail}: ${wordsOf(verdict.code)}${firstOf(verdict, failed)}`, width),
    ...checkLines(failed, width),
    '',
    ...wrap(`Assurance: ${assuranceText(verdict)}`, width - 2).map((line) => `  ${line}`),
  ];
}

/** Where to start: the first entry that is not what was signed; without one, the first that any check names. */
function firstOf({ ranges }: TrailVerdict, failed: readonly CheckResult[]): string {
  const bad = ranges.find(({ code }) => code !== 'intact' && code !== 'not_covered');
  if (bad !== undefined) return `, the first bad entry is ${bad.first}`;
  const named = failed.flatMap(({ firstIndex }) => firstIndex ?? []);
  return named.length === 0 ? '' : `, first at entry ${Math.min(...named)}`;
}

/** The gravest first, each with what was found and what to look at. */
function checkLines(checks: readonly CheckResult[], width: number): string[] {
  const gravity = ({ code }: CheckResult): number => verdictCodes.indexOf(code);
  // What is said of entries explains what is said of their hashes and rows.
  const rank = ({ check }: CheckResult): number => (check === 'entries' ? 0 : derived.has(check) ? 2 : 1);
  return checks
    .toSorted((a, b) => gravity(a) - gravity(b) || rank(a) - rank(b))
    .flatMap((check) => [
      '',
      ...wrap(`${check.check}: ${wordsOf(check.code)}${whereOf(check)}`, width - 2).map(
        (line) => `  ${line}`,
      ),
      ...wrap(check.message, width - 4).map((line) => `    ${line}`),
      ...(check.advice === undefined
        ? []
        : wrap(check.advice, width - 6).map((line, i) => `    ${i === 0 ? '→' : ' '} ${line}`)),
    ]);
}

function whereOf({ firstIndex, lastIndex = firstIndex, count }: CheckResult): string {
  if (firstIndex === undefined || lastIndex === undefined) return '';
  if (firstIndex === lastIndex) return `, entry ${firstIndex}`;
  const all = lastIndex - firstIndex + 1;
  return (count ?? all) === all
    ? `, entries ${firstIndex} to ${lastIndex}`
    : `, ${entriesOf(count!)} between ${firstIndex} and ${lastIndex}`;
}

/** Who vouches for how much, and which entries agree with it. */
function assuranceText({ coveredSize, assurance: { selfSigned, witnessed }, ranges }: TrailVerdict): string {
  if (!selfSigned) return 'none; no pinned key signed a checkpoint that the entries agree with.';
  const witnesses =
    witnessed.need === 0
      ? 'the trust policy asks for no witnesses'
      : `${witnessed.have} of ${witnessed.need} witnesses needed cosigned ${firstEntries(witnessed.size)}`;
  const intact = ranges.filter(({ code }) => code === 'intact');
  const shown = intact
    .slice(0, 3)
    .map(({ first, last }) => (first === last ? `${first}` : `${first} to ${last}`));
  const agreeing = `${shown.join(', ') || 'none'}${intact.length > shown.length ? ' and more' : ''}`;
  return `self-signed; a pinned key signed ${firstEntries(coveredSize)}, ${witnesses}. Entries that agree with what was signed: ${agreeing}.`;
}

function keysText({ isPinned }: FolderVerdict): string {
  return isPinned
    ? 'Keys: from the trust policy that you gave.'
    : 'Keys: from the folder itself, and whoever can change the folder can change them. Keep a copy of trust-policy.txt elsewhere and give it with --policy.';
}

function conclusion({ ok, code, trails, checks }: FolderVerdict): string {
  const failing = trails.filter((trail) => !trail.ok).length;
  const size = trails.reduce((sum, trail) => sum + trail.size, 0);
  const all = `${trails.length.toLocaleString('en')} ${trails.length === 1 ? 'trail' : 'trails'}`;
  if (ok) return `✓ intact: ${all}, ${entriesOf(size)}`;
  const what = [
    ...(checks.length > 0 ? ['the folder'] : []),
    ...(failing > 0 ? [`${failing.toLocaleString('en')} of ${all}`] : []),
    ...(trails.length === 0 ? ['no trail was verified'] : []),
  ];
  return `✗ NOT INTACT (${wordsOf(code)}): ${what.join(', ')}`;
}

const wordsOf = (code: VerdictCode): string => code.replaceAll('_', ' ');

const firstEntries = (count: number): string =>
  count === 1 ? 'the first entry' : `the first ${entriesOf(count)}`;
