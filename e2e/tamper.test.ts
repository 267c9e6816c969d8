import { readFileSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FolderVerdict } from '../packages/server/dist/verify/verify-folder.js';
import { findings, type TamperCase } from './support/tamper-case.ts';
import { contentOf } from './support/tamper-content.ts';
import { endCases } from './support/tamper-end-cases.ts';
import { entryCases } from './support/tamper-entry-cases.ts';
import { OriginalFolder, type TamperedFolder } from './support/tamper-folder.ts';
import { identityCases } from './support/tamper-identity-cases.ts';
import { journalCases, passedOver, walCases } from './support/tamper-journal-cases.ts';
import { stolenKeyCases } from './support/tamper-key-cases.ts';
import { blindSpots, harmlessCases } from './support/tamper-limit-cases.ts';
import { storeCases } from './support/tamper-store-cases.ts';
import { applies, type Change, changesOf, columnsOf } from './support/tamper-sweep.ts';

let original: OriginalFolder;
beforeAll(async () => {
  original = await OriginalFolder.make();
});
afterAll(() => original[Symbol.dispose]());

/** Tampers with a copy, and verifies it. */
async function verdictAfter({
  apply,
  options,
  remembers,
}: Pick<TamperCase, 'apply' | 'options' | 'remembers'>): Promise<FolderVerdict> {
  using folder = original.copy();
  const all = { ...options, ...(remembers && { rememberFile: folder.file('remembered.json') }) };
  if (remembers) expect(findings(await folder.verify(all))).toEqual([]);
  apply(folder);
  return folder.verify(all);
}

it('a folder that nobody tampered with is intact', async () => {
  const verdict = await verdictAfter({ apply: () => {} });
  expect(findings(verdict)).toEqual([]);
  expect(verdict).toMatchObject({ ok: true, code: 'intact', checks: [], isPinned: true });
  expect(verdict.trails.map(({ trail, size, coveredSize }) => [trail, size, coveredSize])).toEqual([
    ['main', 700, 700],
    ['system', 4, 4],
    ['billing', 260, 260],
  ]);
});

describe.each([
  ['entries', entryCases],
  ['the end of the log and older copies', endCases],
  ['rows, objects and files', storeCases],
  ['journals and write-ahead logs', [...journalCases, ...walCases]],
  ['with the stolen key', stolenKeyCases],
  ['keys, names and the trust policy', identityCases],
])('%s', (_, cases) => {
  it.each(cases)('$name: $code', async ({ code, finds, only, ...rest }) => {
    const verdict = await verdictAfter(rest);
    expect(findings(verdict)).toEqual(only ? finds : expect.arrayContaining([...finds]));
    expect(verdict).toMatchObject({ ok: false, code });
  });
});

describe('what SQLite would do once a server opens the folder', () => {
  const bytes = (folder: TamperedFolder): Buffer[] =>
    ['log.db', 'published.db', 'state.db'].map((name) => readFileSync(folder.file(name)));

  it.each(journalCases)('is not let happen: $name', async ({ apply }) => {
    using folder = original.copy();
    apply(folder);
    const before = bytes(folder);
    await expect(folder.open()).rejects.toMatchObject({ code: 'data_folder_invalid' });
    expect(bytes(folder)).toEqual(before);
  });

  it.each(passedOver)('is nothing: $name', async ({ apply }) => {
    using folder = original.copy();
    const before = contentOf(folder.file('log.db'));
    apply(folder);
    expect(findings(await folder.verify())).toEqual([]);
    await folder.open();
    expect(findings(await folder.verify())).toEqual([]);
    expect(contentOf(folder.file('log.db'))).toEqual(before);
  });
});

describe('what cannot be seen from the folder alone', () => {
  it.each(blindSpots)('$name', async (blindSpot) => {
    const verdict = await verdictAfter(blindSpot);
    expect(verdict).toMatchObject({ ok: true, isPinned: blindSpot.options === undefined });
  });
});

describe('what changes nothing that was recorded', () => {
  it.each(harmlessCases)('$name', async (harmless) => {
    const entries = (folder: TamperedFolder) => [...contentOf(folder.file('log.db')).entries.values()].sort();
    using folder = original.copy();
    const before = entries(folder);
    harmless.apply(folder);
    expect(findings(await folder.verify())).toEqual([]);
    expect(entries(folder)).toEqual(before);
  });
});

describe('every column of every table', { timeout: 240_000 }, () => {
  /** Codes that a change of a column, or of a whole row of a table, may come to. */
  const expected: Readonly<Record<string, readonly string[]>> = {
    trail: ['missing', 'modified', 'key_unknown'],
    'trail.id': ['rolled_back'],
    'trail.name': ['missing', 'rolled_back'],
    'trail.origin': ['missing', 'modified'],
    'trail.vkey': ['key_unknown'],
    bundle: ['missing', 'modified', 'unreadable'],
    'bundle.trail': ['missing', 'inserted_or_reordered', 'modified'],
    'bundle.n': ['missing', 'inserted_or_reordered'],
    'bundle.data': ['unreadable', 'inserted_or_reordered', 'missing', 'modified'],
    tail: ['truncated', 'missing', 'inserted_or_reordered', 'modified', 'unreadable'],
    'tail.trail': ['truncated', 'missing', 'inserted_or_reordered', 'modified'],
    'tail.start': ['truncated', 'missing', 'inserted_or_reordered', 'modified'],
    'tail.data': ['truncated', 'missing', 'inserted_or_reordered', 'modified', 'unreadable'],
    'tail.hashes': ['modified', 'truncated'],
    tile: ['missing', 'truncated', 'modified'],
    'tile.trail': ['missing', 'modified'],
    'tile.level': ['missing'],
    'tile.n': ['missing', 'modified'],
    'tile.data': ['modified', 'unreadable', 'missing'],
    entry_id: ['modified'],
    'entry_id.trail': ['modified'],
    'entry_id.id': ['modified'],
    'entry_id.idx': ['modified'],
    // Of a checkpoint that is taken away the later ones say all, the last of which is in published.db.
    checkpoint: ['modified', 'rolled_back', 'intact'],
    'checkpoint.trail': ['modified', 'rolled_back'],
    'checkpoint.size': ['modified', 'rolled_back'],
    'checkpoint.note': ['key_unknown', 'unreadable', 'modified'],
  };

  it('is known to this test', () => {
    using folder = original.copy();
    folder.change((db) => {
      const places = [...columnsOf(db)].flatMap(([table, columns]) => [
        table,
        ...columns.map((column) => `${table}.${column}`),
      ]);
      expect(places.sort()).toEqual(Object.keys(expected).sort());
    });
  });

  it('cannot be changed, exchanged, removed or added to unnoticed', async () => {
    const changes: Change[] = [];
    using pristine = original.copy();
    const content = contentOf(pristine.file('log.db'));
    pristine.change((db: Database.Database) => void changes.push(...changesOf(db)));
    const made = new Set<string>();
    for (const change of changes) {
      using folder = original.copy();
      let isMade = false;
      folder.change((db) => {
        isMade = applies(db, change);
      });
      if (!isMade) continue;
      made.add(change.place);
      const { ok, code } = await folder.verify();
      const what = `${change.place}: ${change.name}`;
      expect([what, code]).toEqual([what, expect.toBeOneOf([...expected[change.place]!])]);
      expect(ok).toBe(code === 'intact');
      const isUncovering = change.place === 'checkpoint' && change.name.startsWith('deleted');
      if (ok && !isUncovering) expect([what, contentOf(folder.file('log.db'))]).toEqual([what, content]);
    }
    expect([...made].sort()).toEqual(Object.keys(expected).sort());
  });
});
