import { HASH_BYTES, reasonOf, type StoreFault, TILE_WIDTH, trailName } from '@sealtrail/core';
import type Database from 'better-sqlite3';
import type { TrailRecord } from '../../ports.ts';
import { Resources } from '../../resources.ts';
import { EvidenceFile } from './evidence-file.ts';
import { expectedLogFormat, expectedLogSchema, readLogFormat, readLogSchema } from './log-schema.ts';
import { type KnownCheckpoints, StoredTrailEvidence } from './trail-evidence.ts';

/** Tables whose rows belong to a trail. */
const tablesOfTrails = ['bundle', 'tail', 'tile', 'entry_id', 'checkpoint'];

const claimedSize = `
SELECT max(
  coalesce((SELECT (max(n) + 1) * ${TILE_WIDTH} FROM bundle WHERE trail = @trail), 0),
  coalesce((SELECT start + length(hashes) / ${HASH_BYTES} FROM tail WHERE trail = @trail ORDER BY start DESC LIMIT 1), 0))`;

/**
 * A log file as evidence: reads what is stored and believes none of it. All trails are read within one transaction, so
 * that a writer beside does not show up as a fault.
 */
export class LogEvidence implements Disposable {
  readonly #file: EvidenceFile;
  readonly #db: Database.Database;
  readonly #records: readonly TrailRecord[];
  #claimedSize: Database.Statement | undefined;
  /**
   * Whether the tables are those of the format. Others are not read: what stands in for a table, such as a view, may
   * give rows without end.
   */
  readonly hasTables: boolean;
  /** What the log says its trails are, in the order in which they were made. */
  readonly trails: readonly TrailRecord[];

  /** @throws when the file cannot be read as SQLite at all */
  constructor(file: string) {
    using opened = new Resources();
    this.#file = opened.use(new EvidenceFile(file));
    this.#db = this.#file.db;
    // The first read fixes the state that all further ones see.
    this.#db.exec('BEGIN');
    const schema = new Set(readLogSchema(this.#db));
    this.hasTables = expectedLogSchema().every((object) => schema.has(object));
    const records = 'SELECT id, name, origin, vkey FROM trail ORDER BY id';
    this.#records = this.hasTables ? this.#db.prepare<[], TrailRecord>(records).all() : [];
    this.trails = this.#records.filter(isTrailRecord);
    opened.move();
  }

  /** Faults that belong to no single trail: the schema, damaged pages, rows of trails that do not exist. */
  *faults(): Generator<StoreFault, undefined> {
    // A damaged file may make any of these fail to run; the others still tell what they find.
    for (const find of [formatFault, schemaFault, damageFault]) yield* this.#guarded(() => find(this.#db));
    if (!this.hasTables) return undefined;
    for (const table of tablesOfTrails) yield* this.#guarded(() => orphanFault(this.#db, table));
    yield* this.#guarded(() => recordFault(this.#records));
    return undefined;
  }

  /** The largest size under which the log files a checkpoint of a trail; 0 without any. */
  largestCheckpoint(record: TrailRecord): number {
    const largest = this.#db.prepare('SELECT coalesce(max(size), 0) FROM checkpoint WHERE trail = ?');
    return largest.pluck().get(record.id) as number;
  }

  /**
   * How many entries a trail seems to have, by the numbers of its rows: for a progress bar alone. The verdict counts what it
   * has read.
   */
  claimedSize(record: TrailRecord): number {
    try {
      this.#claimedSize ??= this.#db.prepare(claimedSize).pluck();
      return Number(this.#claimedSize.get({ trail: record.id }));
    } catch {
      // Damage is reported where the rows are read.
      return 0;
    }
  }

  /** One trail as evidence for `verifyTrail`; pass its `inspectEntry` along. */
  trail(record: TrailRecord, known: KnownCheckpoints): StoredTrailEvidence {
    return new StoredTrailEvidence(this.#db, record, known);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  *#guarded(find: () => StoreFault | undefined): Generator<StoreFault, undefined> {
    try {
      const found = find();
      if (found !== undefined) yield found;
    } catch (error) {
      const reason = reasonOf(error);
      yield fault('unreadable', `log.db cannot be read throughout: ${reason}.`, 'Check the storage.');
    }
    return undefined;
  }
}

const fault = (code: StoreFault['code'], message: string, advice: string): StoreFault => ({
  check: 'store',
  code,
  message,
  advice,
});

function formatFault(db: Database.Database): StoreFault | undefined {
  const found = readLogFormat(db);
  return found === expectedLogFormat
    ? undefined
    : fault(
        'modified',
        `log.db is marked as format ${found}; a Sealtrail log is ${expectedLogFormat}.`,
        'Find out who wrote to it.',
      );
}

/** No trigger, view, index or further table: a server would run what it does not know of. */
function schemaFault(db: Database.Database): StoreFault | undefined {
  const found = readLogSchema(db);
  const expected = expectedLogSchema();
  if (found.join('\n') === expected.join('\n')) return undefined;
  const nameOf = (object: string): string => object.split('\u0000', 2).join(' ');
  const added = found.filter((object) => !expected.includes(object)).map(nameOf);
  const lacking = expected.filter((object) => !found.includes(object)).map(nameOf);
  const differences = [
    ...(lacking.length > 0 ? [`missing or changed: ${lacking.join(', ')}`] : []),
    ...(added.length > 0 ? [`added or changed: ${added.join(', ')}`] : []),
  ];
  return fault(
    'modified',
    `The tables of log.db are not those of this format (${differences.join('; ').slice(0, 500)}).`,
    'Find out who changed them.',
  );
}

/** Compares tables with their indexes too: rows that only one of both has would be seen by some readers only. */
function damageFault(db: Database.Database): StoreFault | undefined {
  const damage: unknown = db.pragma('integrity_check(1)', { simple: true });
  return damage === 'ok'
    ? undefined
    : fault(
        'unreadable',
        `SQLite finds log.db damaged (${String(damage).slice(0, 200)}).`,
        'Check the storage, and restore the file from a backup.',
      );
}

function orphanFault(db: Database.Database, table: string): StoreFault | undefined {
  const orphans = db.prepare(`SELECT trail FROM ${table} WHERE trail NOT IN (SELECT id FROM trail) LIMIT 1`);
  const orphan: unknown = orphans.pluck().get();
  return orphan === undefined
    ? undefined
    : fault(
        'modified',
        `Table ${table} of log.db has rows of trail number ${String(orphan)}, which does not exist: they were added, or the trail was removed.`,
        'Find out who wrote to log.db, and look for the trail in a backup.',
      );
}

/** The server numbers trails from 1 without gaps, and gives them names that a file can have. */
function recordFault(records: readonly TrailRecord[]): StoreFault | undefined {
  const i = records.findIndex((record, at) => record.id !== at + 1 || !isTrailRecord(record));
  return i === -1
    ? undefined
    : fault(
        'modified',
        `Row ${i + 1} of the table of trails in log.db is none that the server writes: number ${String(records[i]!.id)} where ${i + 1} is due, or a damaged name, origin or key.`,
        'Find out who wrote to log.db.',
      );
}

/** Whether a row has the types that its columns declare: a damaged file need not. */
function isTrailRecord({ id, name, origin, vkey }: TrailRecord): boolean {
  return (
    Number.isSafeInteger(id) &&
    trailName.safeParse(name).success &&
    typeof origin === 'string' &&
    typeof vkey === 'string'
  );
}
