import { parseCheckpoint, parseNote, reasonOf, type StoreFault } from '@sealtrail/core';
import type Database from 'better-sqlite3';
import { isThere, sizeOfRegularFile } from '../regular-file.ts';
import { EvidenceFile } from './evidence-file.ts';

/** All of it is kept in memory: a checkpoint of each of a million trails. */
const maxPublishedBytes = 512 * 1024 * 1024;

/** A published checkpoint as it is stored. */
export interface StoredPublished {
  readonly size: number;
  readonly note: string;
}

/** The published checkpoints of a data folder as evidence: by trail, and what is wrong with the file itself. */
export interface PublishedEvidence {
  readonly checkpoints: ReadonlyMap<string, StoredPublished>;
  readonly faults: readonly StoreFault[];
}

/** Reads the published checkpoints, also beside a running server. Whether their notes are true is for `verifyTrail`. */
export function readPublished(file: string): PublishedEvidence {
  const checkpoints = new Map<string, StoredPublished>();
  if (!isThere(file))
    return {
      checkpoints,
      faults: [
        fault(
          'missing',
          'published.db is missing: a log set back to an older copy could not be noticed.',
          'Restore it, and find out who removed it.',
        ),
      ],
    };
  try {
    assertNotHuge(file);
    using evidence = new EvidenceFile(file);
    return read(evidence.db, checkpoints);
  } catch (error) {
    const reason = reasonOf(error);
    return {
      checkpoints,
      faults: [fault('unreadable', `published.db cannot be read: ${reason}.`, 'Check the storage.')],
    };
  }
}

function assertNotHuge(file: string): void {
  const bytes = sizeOfRegularFile(file) + sizeOfRegularFile(`${file}-wal`);
  if (bytes > maxPublishedBytes)
    throw new Error(`it has ${bytes} bytes, at most ${maxPublishedBytes} are read`);
}

function read(db: Database.Database, checkpoints: Map<string, StoredPublished>): PublishedEvidence {
  const objects = db.prepare('SELECT type, name FROM sqlite_schema').raw().all();
  if (JSON.stringify(objects) !== '[["table","published"]]')
    return {
      checkpoints,
      faults: [
        fault(
          'unreadable',
          `published.db holds something else than its one table (${JSON.stringify(objects).slice(0, 200)}), and was not read.`,
          'Find out who changed it.',
        ),
      ],
    };
  const damage: unknown = db.pragma('integrity_check(1)', { simple: true });
  // Pages that lead to each other in a circle would give rows without end.
  if (damage !== 'ok')
    return {
      checkpoints,
      faults: [
        fault(
          'unreadable',
          `SQLite finds published.db damaged, and it was not read (${String(damage).slice(0, 200)}).`,
          'Check the storage.',
        ),
      ],
    };
  const faults: StoreFault[] = [];
  const rows = db.prepare('SELECT trail, size, note FROM published').raw();
  for (const [trail, size, note] of rows.iterate() as Iterable<unknown[]>) {
    if (typeof trail !== 'string' || typeof size !== 'number' || typeof note !== 'string') {
      faults.push(
        fault(
          'unreadable',
          'A row of published.db does not have the types of its columns.',
          'Find out who changed it.',
        ),
      );
      continue;
    }
    checkpoints.set(trail, { size, note });
    const signed = signedSize(note);
    if (signed !== undefined && signed !== size)
      faults.push(
        fault(
          'modified',
          `The published checkpoint of trail ${trail} is filed under size ${size}, and was signed for ${signed}.`,
          'Find out who changed published.db.',
        ),
      );
  }
  return { checkpoints, faults };
}

const fault = (code: StoreFault['code'], message: string, advice: string): StoreFault => ({
  check: 'published',
  code,
  message,
  advice,
});

/** The size that a note says it is for; undefined when it is no checkpoint, which `verifyTrail` reports. */
export function signedSize(note: string): number | undefined {
  try {
    return parseCheckpoint(parseNote(note).text).size;
  } catch {
    return undefined;
  }
}
