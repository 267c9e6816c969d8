import {
  defaultTrail,
  type ErrorDetail,
  type Event,
  encodeBase64,
  entryText,
  eventOfValue,
  HASH_BYTES,
  parseEvent,
  type Receipt,
  type Redactor,
  type ScannedValue,
  SealtrailError,
  scanWhole,
  uuidText,
  uuidV7,
} from '@sealtrail/core';
import { EntryGroup } from '../sequencer/entry-group.ts';
import type { GroupResult, LogClient } from '../sequencer/log-client.ts';
import { entryStatus } from '../sequencer/protocol.ts';
import type { IngestScope } from './ingest-scope.ts';
import { InterruptedIngest } from './interrupted-ingest.ts';

/** What became of a request. */
export interface IngestOutcome {
  readonly receipts: readonly Receipt[];
  /** Events refused, in the order of the request; only where the request takes what is good. */
  readonly errors: readonly ErrorDetail[];
  /** Receipts of events that were there before. */
  readonly duplicates: number;
}

/** What every request works with. */
export interface IntakeParts {
  readonly log: LogClient;
  readonly redact: Redactor;
  /** Makes a trail that is written to for the first time. @throws SealtrailError trail_exists */
  readonly createTrail: (name: string, actor: IngestScope['actor']) => Promise<unknown>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Cryptographically random bytes. */
  readonly random: (bytes: number) => Uint8Array;
}

/**
 * Places reported for one request. Where it takes what is good, every event that is refused is named beyond them too,
 * but only with the first thing that is wrong with it.
 */
const maxReportedErrors = 100;

/**
 * What is handed to the log at a time when a request takes what is good; the producer waits for it: back-pressure.
 */
const partialGroup = { entries: 1000, bytes: 1024 * 1024 } as const;

/** One request on its way in. Add events in order, then finish. */
export class IntakeRequest {
  readonly #parts: IntakeParts;
  readonly #scope: IngestScope;
  readonly #partial: boolean;
  readonly #receipts: Receipt[] = [];
  readonly #errors: ErrorDetail[] = [];
  #position = 0;
  #duplicates = 0;
  /** Events, from the first on, of which is known what has become of them. */
  #decided = 0;
  #group: EntryGroup;
  /** Position in the request of each entry of the group. */
  #positions: number[] = [];

  constructor(parts: IntakeParts, scope: IngestScope, partial: boolean) {
    this.#parts = parts;
    this.#scope = scope;
    this.#partial = partial;
    this.#group = new EntryGroup(partial);
  }

  /** Events added so far, refused ones included. */
  get count(): number {
    return this.#position;
  }

  /** True when the caller must await {@link flush} before it adds more. */
  get isFull(): boolean {
    const { count, byteLength } = this.#group;
    return this.#partial && (count >= partialGroup.entries || byteLength >= partialGroup.bytes);
  }

  /** Adds one event found in a larger text. What is wrong with it is kept for the end of the request. */
  add(bytes: Uint8Array, scanned: ScannedValue): void {
    this.#add(() => parseEvent(bytes, scanned));
  }

  /** Adds one event that is a line of its own. */
  addLine(line: Uint8Array): void {
    this.#add(() => parseEvent(line, scanWhole(line)));
  }

  /** Adds one event that is a value of this process. It is encoded before this returns. */
  addValue(value: unknown): void {
    this.#add(() => eventOfValue(value));
  }

  /** Takes the place of an event that could not even be read. */
  refuse(error: SealtrailError): void {
    this.#add(() => {
      throw error;
    });
  }

  #add(parse: () => Event): void {
    const position = this.#position++;
    try {
      this.#encode(parse(), position);
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      const details =
        error.details.length > 0 ? error.details : [{ code: error.code, message: error.message }];
      details.forEach((detail, i) => {
        this.#refuse({ ...detail, position }, i > 0);
      });
    }
  }

  /** Hands what has been added to the log and waits until it is durable. */
  async flush(): Promise<void> {
    const group = this.#group;
    const positions = this.#positions;
    const end = this.#position;
    this.#group = new EntryGroup(this.#partial);
    this.#positions = [];
    if (group.count > 0) {
      await this.#createTrails(group);
      this.#report(group, positions, await this.#parts.log.append(group));
    }
    this.#decided = end;
  }

  /** What a failure of the whole request is to be reported as: with what was decided before, if anything was. */
  interruptedBy(error: unknown): unknown {
    if (this.#decided === 0) return error;
    const cause =
      error instanceof SealtrailError ? error : new SealtrailError('internal', undefined, { cause: error });
    return new InterruptedIngest(cause, {
      receipts: this.#receipts,
      errors: this.#refusals().filter(({ position = 0 }) => position < this.#decided),
      decided: this.#decided,
    });
  }

  /**
   * Ends the request: its events are durable when this resolves.
   *
   * @throws SealtrailError the first problem's code, all of them in `details`, unless the request takes what is good;
   *   overloaded | storage_unavailable | shutting_down
   */
  async finish(): Promise<IngestOutcome> {
    const outcome = await this.settle();
    if (!this.#partial || outcome.receipts.length === 0) this.#throwIfRefused();
    return outcome;
  }

  /** As {@link finish}, but refused events are always reported, never thrown. */
  async settle(): Promise<IngestOutcome> {
    if (this.#partial || this.#errors.length === 0) await this.flush();
    return { receipts: this.#receipts, errors: this.#refusals(), duplicates: this.#duplicates };
  }

  #encode(reported: Event, position: number): void {
    const trail = reported.trail ?? defaultTrail;
    const refused = this.#scope.refuseTrail(trail);
    if (refused)
      throw new SealtrailError('forbidden', refused, {
        details: [{ code: 'forbidden', pointer: '/trail', message: refused }],
      });
    const tenant = this.#scope.tenantOf(reported.tenant);
    if ('refused' in tenant) {
      throw new SealtrailError('forbidden', tenant.refused, {
        details: [{ code: 'forbidden', pointer: '/tenant', message: tenant.refused }],
      });
    }
    const nowMs = this.#parts.now();
    const id = reported.id?.toLowerCase() ?? uuidV7(nowMs, this.#parts.random(10));
    const defaults = { id, nowMs, trail, tenant: tenant.tenant };
    const entry = entryText(reported, defaults);
    const redacted = this.#parts.redact(reported, entry.text);
    this.#group.add(
      trail,
      id,
      redacted === reported ? entry : entryText(redacted, defaults),
      reported.time === undefined,
    );
    this.#positions.push(position);
  }

  #refuse(detail: ErrorDetail, isFurther = false): void {
    if (this.#errors.length < maxReportedErrors || (this.#partial && !isFurther)) this.#errors.push(detail);
  }

  async #createTrails(group: EntryGroup): Promise<void> {
    for (const trail of new Set(group.trails)) {
      if (this.#parts.log.trail(trail) || !this.#scope.mayCreateTrail(trail)) continue;
      try {
        await this.#parts.createTrail(trail, this.#scope.actor);
      } catch (error) {
        // Two requests may be the first to name it.
        if (!(error instanceof SealtrailError) || error.code !== 'trail_exists') throw error;
      }
    }
  }

  #report(group: EntryGroup, positions: readonly number[], result: GroupResult): void {
    for (let i = 0; i < group.count; i++) {
      const position = positions[i]!;
      switch (result.statuses[i]) {
        case entryStatus.stored:
        case entryStatus.duplicate:
          if (result.statuses[i] === entryStatus.duplicate) this.#duplicates++;
          this.#receipts.push({
            id: uuidText(group.ids[i]!),
            trail: group.trails[i]!,
            index: result.indexes[i]!,
            leafHash: encodeBase64(result.leafHashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)),
          });
          break;
        case entryStatus.conflict:
          this.#refuse({
            position,
            pointer: '/id',
            code: 'id_conflict',
            message: 'this id is in the trail with other content; use a new id for a new event',
          });
          break;
        case entryStatus.unknownTrail:
          this.#refuse({
            position,
            pointer: '/trail',
            code: 'trail_not_found',
            message: 'no such trail; make it first with sealtrail trail create or POST /v1/trails',
          });
          break;
        default:
          // Refused with its group: the entries at fault have been named.
          break;
      }
    }
  }

  /** In the order of the request: what the log refuses is known only after what cannot be read behind it. */
  #refusals(): ErrorDetail[] {
    return this.#errors.toSorted((a, b) => (a.position ?? 0) - (b.position ?? 0));
  }

  #throwIfRefused(): void {
    const details = this.#refusals();
    const [first] = details;
    if (!first) return;
    const where = first.position === undefined || this.#position === 1 ? '' : `event ${first.position}: `;
    const place = first.pointer ? `${first.pointer}: ` : '';
    throw new SealtrailError(first.code, `${where}${place}${first.message}`, {
      details,
    });
  }
}
