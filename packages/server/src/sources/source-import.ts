import { type ErrorCode, type ErrorDetail, type Event, SealtrailError, uuidBytes } from '@sealtrail/core';
import type { Source } from '@sealtrail/core/sources';
import { deterministicId } from '../access/deterministic-id.ts';
import type { IngestScope } from '../ingest/ingest-scope.ts';
import type { Intake } from '../ingest/intake.ts';
import type { TileReader } from '../ports.ts';
import type { RecordInput } from './record-inputs.ts';
import { isSameRecord } from './same-record.ts';

/** Where records go, and what that takes. */
export interface ImportParts {
  readonly source: Source;
  readonly intake: Intake;
  readonly reader: Pick<TileReader, 'indexOf' | 'entries'>;
  readonly scope: IngestScope;
  readonly trail: string;
  /** As the scope has it. */
  readonly tenant: string | undefined;
}

/** A record that did not become an entry. */
export interface DeadRecord {
  readonly position: number;
  readonly offset: number;
  readonly code: ErrorCode;
  readonly reason: string;
  /** The record as it came; it may hold anything, personal data included. */
  readonly text: string;
}

/** What became of some records: every one is counted once. */
export interface ImportCounts {
  /** Stored. */
  readonly accepted: number;
  /** Of the log already. */
  readonly duplicates: number;
  /** Not what the source is imported for. */
  readonly skipped: number;
  /** When the first of those stored happened (RFC 3339 in UTC); undefined where none was, or none says so. */
  readonly earliest: string | undefined;
  readonly dead: readonly DeadRecord[];
}

/** A record on its way into the log. */
interface Pending {
  readonly record: RecordInput;
  readonly event: Event;
  /** Said where another record has the id. */
  readonly otherId: () => string;
}

/** What has become of records on their way, and which need another attempt. */
interface Stored {
  readonly accepted: number;
  readonly duplicates: number;
  /** Another record has the id. */
  readonly taken: readonly Pending[];
  /** Redaction has made the entry longer than one may be. */
  readonly tooLarge: readonly Pending[];
}

/** What refuses one record refuses all of them. */
const ofAll: ReadonlySet<ErrorCode> = new Set(['forbidden', 'trail_not_found']);

/**
 * Imports some records at once, and resolves when what is accepted is durable.
 *
 * @throws SealtrailError forbidden | trail_not_found | overloaded | storage_unavailable | shutting_down; records may be
 *   stored then, and are not stored again when they are sent again
 */
export async function importRecords(
  parts: ImportParts,
  records: readonly RecordInput[],
): Promise<ImportCounts> {
  const dead: DeadRecord[] = [];
  let skipped = 0;
  const pending = records.flatMap((record): readonly Pending[] => {
    try {
      const one = pendingOf(parts, record);
      if (one === undefined) skipped++;
      return one === undefined ? [] : [one];
    } catch (error) {
      dead.push(deadOf(record, error));
      return [];
    }
  });
  const first = await store(parts, pending, dead);
  const again = [
    ...first.taken.map((one): Pending => ({ ...one, event: { ...one.event, id: one.otherId() } })),
    ...first.tooLarge.flatMap(({ record }) => pendingOf(parts, record, true) ?? []),
  ];
  const second = await store(parts, again, dead);
  for (const { record } of second.taken) dead.push(deadOf(record, new SealtrailError('id_conflict')));
  for (const { record } of second.tooLarge) dead.push(deadOf(record, new SealtrailError('entry_too_large')));
  return {
    accepted: first.accepted + second.accepted,
    duplicates: first.duplicates + second.duplicates,
    skipped,
    earliest: first.accepted + second.accepted === 0 ? undefined : earliestOf(pending),
    dead: dead.toSorted((a, b) => a.position - b.position),
  };
}

const earliestOf = (pending: readonly Pending[]): string | undefined =>
  pending.reduce<string | undefined>(
    (first, { event: { time } }) =>
      time !== undefined && (first === undefined || time < first) ? time : first,
    undefined,
  );

/** The event of a record, with the id that follows from what the source calls it. */
function pendingOf(parts: ImportParts, record: RecordInput, isBrief = false): Pending | undefined {
  const { source, trail, tenant } = parts;
  const mapped = record.map(isBrief ? { omit: 'too_large' } : {});
  if (mapped.is === 'skipped') return undefined;
  const idOf = (identity: string): string =>
    deterministicId(`source ${JSON.stringify([source.name, tenant ?? ''])} ${identity}`);
  const event = {
    ...mapped.event,
    id: idOf(mapped.identity),
    trail,
    ...(tenant !== undefined && { tenant }),
  };
  return { record, event, otherId: () => idOf(mapped.content()) };
}

/** Stores events, and says what has become of them. What cannot be stored goes to the dead. */
async function store(parts: ImportParts, pending: readonly Pending[], dead: DeadRecord[]): Promise<Stored> {
  const request = parts.intake.begin(parts.scope, true);
  for (const { event } of pending) {
    request.addValue(event);
    if (request.isFull) await request.flush();
  }
  const { receipts, errors, duplicates } = await request.settle();
  let repeats = duplicates;
  const taken: Pending[] = [];
  const tooLarge: Pending[] = [];
  for (const [position, { code, message }] of firstOfEach(errors)) {
    const one = pending[position]!;
    if (ofAll.has(code)) throw new SealtrailError(code, message);
    if (code === 'entry_too_large') tooLarge.push(one);
    else if (code !== 'id_conflict') dead.push(deadOf(one.record, new SealtrailError(code, message)));
    else if (isStoredAlready(parts, one.event)) repeats++;
    else taken.push(one);
  }
  return { accepted: receipts.length - duplicates, duplicates: repeats, taken, tooLarge };
}

/** The first thing that is wrong with each event, by its position. */
function firstOfEach(errors: readonly ErrorDetail[]): ReadonlyMap<number, ErrorDetail> {
  const first = new Map<number, ErrorDetail>();
  for (const error of errors) {
    const { position = 0 } = error;
    if (!first.has(position)) first.set(position, error);
  }
  return first;
}

/**
 * Whether an event whose id is taken is the record that is there: it was imported before, by another mapping, or read
 * against another year.
 */
function isStoredAlready({ reader, intake, trail }: ImportParts, event: Event): boolean {
  const index = reader.indexOf(trail, uuidBytes(event.id!));
  const [bytes] = index === undefined ? [] : reader.entries(trail, index, index + 1);
  if (bytes === undefined) return false;
  return isSameRecord(intake.redacted(event), JSON.parse(Buffer.from(bytes).toString('utf8')) as Event);
}

function deadOf(record: RecordInput, error: unknown): DeadRecord {
  if (!(error instanceof SealtrailError)) throw error;
  return {
    position: record.position,
    offset: record.offset,
    code: error.code,
    reason: error.message,
    text: record.text(),
  };
}
