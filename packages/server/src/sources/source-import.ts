import {
  canonicalJson,
  type ErrorCode,
  type ErrorDetail,
  type Event,
  type JsonValue,
  SealtrailError,
  uuidBytes,
} from '@sealtrail/core';
import type { Source } from '@sealtrail/core/sources';
import { deterministicId } from '../access/deterministic-id.ts';
import type { IngestScope } from '../ingest/ingest-scope.ts';
import type { Intake } from '../ingest/intake.ts';
import type { TileReader } from '../ports.ts';
import type { RecordInput } from './record-inputs.ts';

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
  readonly dead: readonly DeadRecord[];
}

/** A record on its way into the log. */
interface Pending {
  readonly record: RecordInput;
  readonly event: Event;
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
  const pending: Pending[] = [];
  let skipped = 0;
  for (const record of records) {
    try {
      const event = eventOf(parts, record);
      if (event === undefined) skipped++;
      else pending.push({ record, event });
    } catch (error) {
      dead.push(deadOf(record, error));
    }
  }
  const first = await store(parts, pending, dead);
  // What redaction made longer than an entry may be goes without its original.
  const brief = first.tooLarge.flatMap(({ record }): Pending[] => {
    const event = eventOf(parts, record, true);
    return event === undefined ? [] : [{ record, event }];
  });
  const second = await store(parts, brief, dead);
  dead.push(...second.tooLarge.map(({ record }) => deadOf(record, new SealtrailError('entry_too_large'))));
  return {
    accepted: first.accepted + second.accepted,
    duplicates: first.duplicates + second.duplicates,
    skipped,
    dead: dead.toSorted((a, b) => a.position - b.position),
  };
}

/** The event of a record, with the id that follows from what the source calls it. */
function eventOf(parts: ImportParts, record: RecordInput, isBrief = false): Event | undefined {
  const { source, trail, tenant } = parts;
  const mapped = record.map(isBrief ? { omit: 'too_large' } : {});
  if (mapped.is === 'skipped') return undefined;
  const id = deterministicId(`source ${JSON.stringify([source.name, tenant ?? ''])} ${mapped.identity}`);
  return { ...mapped.event, id, trail, ...(tenant !== undefined && { tenant }) };
}

/** Stores events, tells what has become of them, and says of which there was too much. */
async function store(
  parts: ImportParts,
  pending: readonly Pending[],
  dead: DeadRecord[],
): Promise<{ accepted: number; duplicates: number; tooLarge: readonly Pending[] }> {
  const request = parts.intake.begin(parts.scope, true);
  for (const { event } of pending) {
    request.addValue(event);
    if (request.isFull) await request.flush();
  }
  const { receipts, errors, duplicates } = await request.settle();
  const counts = { accepted: receipts.length - duplicates, duplicates, tooLarge: [] as Pending[] };
  for (const [position, { code, message }] of firstOfEach(errors)) {
    const one = pending[position]!;
    if (ofAll.has(code)) throw new SealtrailError(code, message);
    if (code === 'entry_too_large') counts.tooLarge.push(one);
    else if (code === 'id_conflict' && isStoredAlready(parts, one.event)) counts.duplicates++;
    else dead.push(deadOf(one.record, new SealtrailError(code, message)));
  }
  return counts;
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
 * against another year. Somebody else's entry under its id is another one, and nothing is lost to it in silence.
 */
function isStoredAlready({ reader, intake, trail }: ImportParts, event: Event): boolean {
  const index = reader.indexOf(trail, uuidBytes(event.id!));
  const [bytes] = index === undefined ? [] : reader.entries(trail, index, index + 1);
  if (bytes === undefined) return false;
  const stored = JSON.parse(Buffer.from(bytes).toString('utf8')) as Event;
  const own = originalOf(intake.redacted(event));
  return own !== undefined && own === originalOf(stored);
}

/** What an entry keeps of its record, with the source it names. */
function originalOf({ metadata }: Event): string | undefined {
  if (metadata === undefined) return undefined;
  const { source, original, originalFields } = metadata;
  const kept = original ?? originalFields;
  return kept === undefined ? undefined : canonicalJson([source ?? null, kept] as JsonValue);
}

const deadOf = (record: RecordInput, error: unknown): DeadRecord => {
  if (!(error instanceof SealtrailError)) throw error;
  return {
    position: record.position,
    offset: record.offset,
    code: error.code,
    reason: error.message,
    text: record.text(),
  };
};
