import type { CheckResult, TrailVerdict } from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import type { FolderVerdict } from '../verify/verify-folder.ts';
import { verifyReport } from './verify-report.ts';

const trailOf = (trail: string, fields: Partial<TrailVerdict> = {}): TrailVerdict => ({
  trail,
  origin: `audit.example/${trail}`,
  ok: true,
  code: 'intact',
  size: 700,
  coveredSize: 700,
  checkpoint: undefined,
  checks: [{ check: 'entries', status: 'passed', code: 'intact', message: 'All is well.' }],
  ranges: [{ first: 0, last: 699, code: 'intact' }],
  assurance: { selfSigned: true, witnessed: { have: 0, need: 0, size: 700 }, timestamped: false },
  ...fields,
});

const failing = (trail: string, checks: readonly CheckResult[], fields: Partial<TrailVerdict> = {}) =>
  trailOf(trail, { ok: false, code: checks[0]!.code, checks, ...fields });

const fault = (code: CheckResult['code'], fields: Partial<CheckResult> = {}): CheckResult => ({
  check: 'entries',
  status: 'failed',
  code,
  message: 'What was found, in so many words that they do not fit into one line of a terminal.',
  advice: 'Look at the backup, and at what else there is to look at, in so many words as well.',
  ...fields,
});

function reportOf(
  trails: readonly TrailVerdict[],
  fields: Partial<FolderVerdict> = {},
  columns = 100,
): string {
  const ok = trails.every((trail) => trail.ok) && (fields.checks ?? []).length === 0;
  const code = trails.find((trail) => !trail.ok)?.code ?? fields.checks?.[0]?.code ?? 'intact';
  return verifyReport({ ok, code, trails, checks: [], isPinned: true, ...fields }, columns);
}

const linesWith = (report: string, text: string): string[] =>
  report.split('\n').filter((line) => line.includes(text));

describe('the report of a verification', () => {
  it('has a line a trail, in columns, and ends with the verdict', () => {
    const report = reportOf([trailOf('main', { size: 600_000, coveredSize: 600_000 }), trailOf('system')]);
    expect(report).toBe(
      [
        '  TRAIL   VERDICT  ENTRIES   SIGNED  ASSURANCE',
        '✓ main    intact   600,000  600,000  self-signed',
        '✓ system  intact       700      700  self-signed',
        '',
        'Keys: from the trust policy that you gave.',
        '✓ intact: 2 trails, 600,700 entries',
        '',
      ].join('\n'),
    );
  });

  it('tells of a failure which check, the first bad entry, what happened and what to look at, each once', () => {
    const ranges = [
      { first: 0, last: 4, code: 'intact' as const },
      { first: 5, last: 5, code: 'modified' as const },
      { first: 6, last: 699, code: 'intact' as const },
    ];
    const found = fault('modified', { firstIndex: 5, lastIndex: 5, count: 1 });
    const report = reportOf([failing('main', [found], { ranges }), trailOf('system')]);
    expect(linesWith(report, '✗ main: modified, the first bad entry is 5')).toHaveLength(1);
    expect(linesWith(report, 'entries: modified, entry 5')).toHaveLength(1);
    expect(linesWith(report, 'What was found')).toHaveLength(1);
    expect(linesWith(report, '→ Look at the backup')).toHaveLength(1);
    expect(linesWith(report, '0 to 4, 6 to 699')).toHaveLength(1);
    expect(report.trimEnd().split('\n').at(-1)).toBe('✗ NOT INTACT (modified): 1 of 2 trails');
  });

  it('tells one entry, a range and scattered ones apart', () => {
    const where = (firstIndex: number, lastIndex: number, count: number): string =>
      linesWith(
        reportOf([failing('main', [fault('missing', { firstIndex, lastIndex, count })])]),
        'entries: missing',
      )[0]!.trim();
    expect(where(5, 5, 1)).toBe('entries: missing, entry 5');
    expect(where(5, 9, 5)).toBe('entries: missing, entries 5 to 9');
    expect(where(5, 90, 6)).toBe('entries: missing, 6 entries between 5 and 90');
  });

  it('begins with the gravest, and with entries before what follows from them', () => {
    const report = reportOf([
      failing('main', [
        fault('modified', { check: 'store' }),
        fault('truncated', { check: 'tiles' }),
        fault('truncated', { check: 'published' }),
        fault('truncated'),
      ]),
    ]);
    const order = report.match(/^ {2}\w+(?=: (?:modified|truncated))/gm);
    expect(order?.map((name) => name.trim())).toEqual(['entries', 'published', 'tiles', 'store']);
  });

  it('names the tier of assurance, with witnesses and without any signature', () => {
    const witnessed = {
      selfSigned: true,
      witnessed: { have: 2, need: 2, size: 512 },
      timestamped: false,
    } as const;
    const unsigned = {
      selfSigned: false,
      witnessed: { have: 0, need: 0, size: 0 },
      timestamped: false,
    } as const;
    const report = reportOf([
      trailOf('main', { assurance: witnessed }),
      trailOf('new', { assurance: unsigned, size: 0, coveredSize: 0, ranges: [] }),
      failing('other', [fault('not_covered')], { assurance: unsigned, coveredSize: 0, ranges: [] }),
      failing('third', [fault('modified')], { assurance: witnessed }),
    ]);
    const tiers = report.split('\n').slice(1, 5);
    expect(tiers.map((line) => line.split(/ {2,}/).at(-1))).toEqual([
      'witnessed 2 of 2, up to entry 511 of 700',
      'nothing to sign',
      'none',
      'witnessed 2 of 2, up to entry 511 of 700',
    ]);
    expect(report.replace(/\s+/g, ' ')).toContain('2 of 2 witnesses needed cosigned the first 512');
  });

  it('says which entries wait for a checkpoint, which is no failure', () => {
    const waiting = (trail: string, coveredSize: number) => trailOf(trail, { coveredSize });
    expect(linesWith(reportOf([waiting('main', 699)]), '· 1 entry at the end of main is')).toHaveLength(1);
    const two = reportOf([waiting('main', 690), waiting('other', 600)]);
    expect(linesWith(two, '· 110 entries of 2 trails are')).toHaveLength(1);
  });

  it('says from which entry on no witness vouches for a trail, and nothing where all is witnessed', () => {
    const witnessed = (trail: string, have: number, size: number) =>
      trailOf(trail, {
        assurance: { selfSigned: true, witnessed: { have, need: 1, size }, timestamped: false },
      });
    const one = reportOf([witnessed('main', 1, 20), witnessed('system', 1, 700)]);
    expect(linesWith(one, '✓ main')[0]).toMatch(/witnessed 1 of 1, up to entry 19 of 700$/);
    expect(linesWith(one, '✓ system')[0]).toMatch(/witnessed 1 of 1, all entries$/);
    expect(linesWith(one, '· No witness vouches for main from entry 20 on')).toHaveLength(1);
    expect(one.replace(/\s+/g, ' ')).toContain('--require-witnessed fails');
    const two = reportOf([witnessed('main', 1, 20), witnessed('system', 1, 300)]);
    expect(linesWith(two, '· No witness vouches for 2 trails')).toHaveLength(1);
    expect(reportOf([witnessed('main', 1, 700)])).not.toContain('vouches');
    expect(reportOf([trailOf('main')])).not.toContain('vouches');
  });

  it('tells what is wrong with the folder, and when nothing could be verified', () => {
    const checks = [fault('missing', { check: 'store' })];
    const report = reportOf([], { checks, isPinned: false });
    expect(report.startsWith('✗ the folder\n')).toBe(true);
    expect(report).toContain('--policy');
    expect(report.trimEnd().endsWith('✗ NOT INTACT (missing): the folder, no trail was verified')).toBe(true);
    expect(reportOf([trailOf('main')], { checks })).toContain('✗ NOT INTACT (missing): the folder\n');
  });

  it('tells the failures of twenty trails in full, and counts the others', () => {
    const trails = Array.from({ length: 1_003 }, (_, i) => failing(`trail-${i}`, [fault('modified')]));
    const report = reportOf(trails);
    expect(report.match(/^✗ trail-\d+ /gm)).toHaveLength(1_003);
    expect(report.match(/^✗ trail-\d+: /gm)).toHaveLength(20);
    expect(linesWith(report, '983 more trails failed')).toHaveLength(1);
  });

  it.each([40, 80, 140])('breaks its lines for %i columns', (columns) => {
    const checks = [fault('inserted_or_reordered', { firstIndex: 5, lastIndex: 90, count: 6 })];
    const report = reportOf([failing('main', checks), trailOf('x'.repeat(64))], { checks }, columns);
    for (const line of report.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
  });

  it('lets no name or message write control characters to the terminal', () => {
    const evil = 'evil\u001b[2J\u202e';
    const report = reportOf([
      failing(evil, [fault('modified', { message: evil, advice: evil, check: evil })]),
    ]);
    expect(report).toContain('evil');
    expect([...report].some((c) => c === '\u001b' || c === '\u202e')).toBe(false);
  });
});
