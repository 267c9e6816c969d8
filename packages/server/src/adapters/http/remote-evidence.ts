import {
  bundlePath,
  bundleSlices,
  type EntryBatch,
  eventLimits,
  parseCheckpoint,
  parseNote,
  partialWidth,
  SealtrailError,
  type StoredCheckpoint,
  TILE_WIDTH,
  type TrailEvidence,
  tilePath,
} from '@sealtrail/core';

const maxBytes = TILE_WIDTH * (2 + eventLimits.entryBytes);
const requestTimeoutMs = 30_000;

/** Where a server is, and with which token to read it. */
export interface RemoteLog {
  readonly url: string;
  readonly token: string | undefined;
}

/** A trail of a running server as evidence: its checkpoint, hash tiles and entry bundles (C2SP tlog-tiles). */
export class RemoteEvidence implements TrailEvidence {
  readonly name: string;
  readonly origin: string;
  readonly vkey: string;
  readonly remembered?: string;
  readonly #remote: RemoteLog;
  readonly #checkpoint: string;
  readonly #size: number;

  private constructor(
    remote: RemoteLog,
    trail: { name: string; origin: string; vkey: string },
    checkpoint: string,
    remembered: string | undefined,
  ) {
    this.#remote = remote;
    this.name = trail.name;
    this.origin = trail.origin;
    this.vkey = trail.vkey;
    this.#checkpoint = checkpoint;
    this.#size = parseCheckpoint(parseNote(checkpoint).text).size;
    if (remembered !== undefined) this.remembered = remembered;
  }

  /** @param remembered the checkpoint that was seen the last time, which the log must extend */
  static async open(
    remote: RemoteLog,
    trail: string,
    remembered: string | undefined,
  ): Promise<RemoteEvidence> {
    const { trails } = JSON.parse(Buffer.from(await get(remote, 'v1/trails')).toString('utf8')) as {
      trails: { name: string; origin: string; vkey: string }[];
    };
    const found = trails.find(({ name }) => name === trail);
    if (!found)
      throw new SealtrailError('trail_not_found', `the server has no trail ${trail} that this token reaches`);
    const checkpoint = Buffer.from(await get(remote, `trails/${trail}/checkpoint`)).toString('utf8');
    return new RemoteEvidence(remote, found, checkpoint, remembered);
  }

  async *entries(): AsyncGenerator<EntryBatch> {
    for (let n = 0; n * TILE_WIDTH < this.#size; n++) {
      const width = partialWidth(0, n, this.#size);
      const start = n * TILE_WIDTH;
      try {
        const bytes = await get(this.#remote, `trails/${this.name}/${bundlePath(n, width)}`);
        yield { start, entries: bundleSlices(bytes).map((slice) => bytes.subarray(slice.start, slice.end)) };
      } catch (error) {
        if (error instanceof SealtrailError && error.code === 'forbidden') throw error;
        yield {
          start,
          count: width,
          unreadable: error instanceof Error ? error.message : 'it could not be fetched',
        };
      }
    }
  }

  async tile(level: number, n: number): Promise<Uint8Array | undefined> {
    const width = partialWidth(level, n, this.#size);
    return width === 0 ? undefined : get(this.#remote, `trails/${this.name}/${tilePath(level, n, width)}`);
  }

  async *checkpoints(): AsyncGenerator<StoredCheckpoint> {
    yield { size: this.#size, note: this.#checkpoint };
  }
}

/** Fetches a resource; bounded in size and time. */
async function get(remote: RemoteLog, path: string): Promise<Uint8Array> {
  const url = new URL(path, remote.url.endsWith('/') ? remote.url : `${remote.url}/`);
  const response = await fetch(url, {
    headers: remote.token === undefined ? {} : { authorization: `Bearer ${remote.token}` },
    redirect: 'error',
    signal: AbortSignal.timeout(requestTimeoutMs),
  });
  if (response.status === 401)
    throw new SealtrailError(
      'unauthenticated',
      'the server wants a valid token; set SEALTRAIL_TOKEN or --token',
    );
  if (response.status === 403)
    throw new SealtrailError('forbidden', 'the token does not allow reading the whole log of this trail');
  if (!response.ok)
    throw new SealtrailError('not_found', `the server answered ${response.status} for ${url.pathname}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes)
      throw new SealtrailError(
        'body_too_large',
        `the server sent more than ${maxBytes} bytes for ${url.pathname}`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
