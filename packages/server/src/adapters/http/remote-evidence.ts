import {
  bundlePath,
  decodeBundle,
  type EntryBatch,
  parseCheckpoint,
  parseNote,
  partialWidth,
  reasonOf,
  SealtrailError,
  type StoredCheckpoint,
  TILE_WIDTH,
  type TrailEvidence,
  tilePath,
} from '@sealtrail/core';
import { fetchResource, type RemoteLog } from './remote-log.ts';

/** Bundles asked for before they are needed: the way to the server and back must not decide how fast verifying is. */
const bundlesAhead = 8;
/**
 * A server that fails this often in a row is not asked for the rest, of which only it says how much there is: it may have
 * signed any size.
 */
const maxFailuresInRow = 3;
/** Origins and verifier keys are shorter; messages quote them. */
const maxClaimChars = 4096;

export interface RemoteEvidenceOptions {
  readonly remote: RemoteLog;
  readonly trail: string;
  /** The checkpoint seen the last time, which the log must extend. */
  readonly remembered: string | undefined;
  /** Whether a pinned key signed a checkpoint. */
  readonly isSigned: (note: string) => boolean;
}

interface TrailClaim {
  readonly name: string;
  readonly origin: string;
  readonly vkey: string;
}

/** A trail of a running server as evidence: its checkpoint, hash tiles and entry bundles (C2SP tlog-tiles). */
export class RemoteEvidence implements TrailEvidence {
  readonly name: string;
  readonly origin: string;
  readonly vkey: string;
  readonly remembered?: string;
  readonly #remote: RemoteLog;
  readonly #note: string;
  /** Entries that the checkpoint is for; 0 where nobody known vouches for it. */
  readonly #size: number;
  #refusal: SealtrailError | undefined;

  private constructor(options: RemoteEvidenceOptions, claim: TrailClaim, note: string) {
    this.#remote = options.remote;
    this.name = claim.name;
    this.origin = claim.origin;
    this.vkey = claim.vkey;
    this.#note = note;
    // Under a checkpoint that no pinned key signed there is nothing to verify: neither how many entries there should be,
    // nor whether they are what was seen before.
    const isSigned = options.isSigned(note);
    this.#size = isSigned ? parseCheckpoint(parseNote(note).text).size : 0;
    if (isSigned && options.remembered !== undefined) this.remembered = options.remembered;
  }

  /** @throws SealtrailError trail_not_found | not_found, and those of {@link fetchResource} */
  static async open(options: RemoteEvidenceOptions): Promise<RemoteEvidence> {
    const { remote, trail } = options;
    const claim = findTrail(await fetchResource(remote, 'v1/trails'), trail);
    if (!claim)
      throw new SealtrailError('trail_not_found', `the server has no trail ${trail} that this token reaches`);
    const note = await fetchResource(remote, `trails/${encodeURIComponent(trail)}/checkpoint`);
    if (!note) throw new SealtrailError('trail_not_found', `the server has no checkpoint of trail ${trail}`);
    return new RemoteEvidence(options, claim, Buffer.from(note).toString('utf8'));
  }

  /** Why the server no longer let the log be read: no fault of the log. */
  get refusal(): SealtrailError | undefined {
    return this.#refusal;
  }

  /** Entries that there should be: for a progress bar, since verification believes nobody's count. */
  get claimedSize(): number {
    return this.#size;
  }

  async *entries(): AsyncGenerator<EntryBatch, undefined> {
    const count = Math.ceil(this.#size / TILE_WIDTH);
    const ahead: Promise<EntryBatch>[] = [];
    let failures = 0;
    for (let n = 0; n < count; n++) {
      while (ahead.length < bundlesAhead && n + ahead.length < count)
        ahead.push(this.#bundle(n + ahead.length));
      const batch = await ahead.shift()!;
      const isWhole = 'entries' in batch && batch.entries.length === partialWidth(0, n, this.#size);
      failures = isWhole ? 0 : failures + 1;
      if (this.#refusal) throw this.#refusal;
      yield batch;
      if (failures === maxFailuresInRow)
        throw new Error(`the server did not give ${failures} whole bundles in a row, up to ${bundlePath(n)}`);
    }
    return undefined;
  }

  async tile(level: number, n: number): Promise<Uint8Array | undefined> {
    const width = partialWidth(level, n, this.#size);
    return width === 0 ? undefined : this.#fetch(tilePath(level, n, width));
  }

  async *checkpoints(): AsyncGenerator<StoredCheckpoint, undefined> {
    yield { size: claimedSize(this.#note), note: this.#note };
    return undefined;
  }

  /** Never rejects: batches are asked for ahead, and nobody may ever wait for them. */
  async #bundle(n: number): Promise<EntryBatch> {
    const start = n * TILE_WIDTH;
    const count = partialWidth(0, n, this.#size);
    try {
      const bytes = await this.#fetch(bundlePath(n, count));
      if (!bytes) return { start, count, unreadable: 'the server does not have it' };
      // Fewer entries are for verification to explain; more are none that the checkpoint covers.
      return { start, entries: decodeBundle(bytes, count) };
    } catch (error) {
      return { start, count, unreadable: reasonOf(error) };
    }
  }

  async #fetch(path: string): Promise<Uint8Array | undefined> {
    try {
      return await fetchResource(this.#remote, `trails/${encodeURIComponent(this.name)}/${path}`);
    } catch (error) {
      const isRefusal =
        error instanceof SealtrailError && (error.code === 'unauthenticated' || error.code === 'forbidden');
      if (isRefusal) this.#refusal ??= error;
      throw error;
    }
  }
}

/** The trail among those that a server lists; the answer may come from anybody. */
function findTrail(answer: Uint8Array | undefined, name: string): TrailClaim | undefined {
  const claims = (() => {
    try {
      const { trails } = JSON.parse(Buffer.from(answer!).toString('utf8')) as { trails: TrailClaim[] };
      return trails.map(({ name, origin, vkey }) => ({ name, origin, vkey }));
    } catch (cause) {
      throw new SealtrailError('not_found', 'what answers at this address is no Sealtrail server', { cause });
    }
  })();
  return claims.find((claim) => claim.name === name && [claim.origin, claim.vkey].every(isShort));
}

const isShort = (value: unknown): boolean => typeof value === 'string' && value.length <= maxClaimChars;

/** The size in a note, whoever signed it; -1 when it has none, which verification then reports. */
function claimedSize(note: string): number {
  try {
    return parseCheckpoint(parseNote(note).text).size;
  } catch {
    return -1;
  }
}
