import { createGunzip } from 'node:zlib';

/** Of what is compressed so much is taken at once: it becomes about a thousand times as much at most. */
const sliceBytes = 8 * 1024;

/** Why gzip could not be read to its end. */
export interface GzipFault {
  readonly is: 'cut' | 'followed' | 'broken';
  /** Bytes of the compressed input up to where it was noticed. */
  readonly at: number;
  readonly cause?: unknown;
}

/**
 * Decompresses gzip, of one member or more, and gives all that comes before a fault.
 *
 * A decoder that fails drops what it has made of all that it was given with the fault. So a scout goes ahead, and where it
 * fails the decoder goes on byte by byte.
 *
 * @returns the fault, when all before it has been given
 * @throws what the chunks throw
 */
export async function* gunzip(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer, GzipFault | undefined> {
  using scout = new Decoder();
  using decoder = new Decoder();
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length; from += sliceBytes) {
      const slice = chunk.subarray(from, from + sliceBytes);
      await scout.push(slice);
      const step = scout.cause === undefined ? slice.length : 1;
      for (let at = 0; at < slice.length; at += step) {
        yield* await decoder.push(slice.subarray(at, at + step));
        const { fault } = decoder;
        if (fault) return fault;
      }
    }
  }
  yield* await decoder.end();
  return decoder.cause === undefined ? undefined : { is: 'cut', at: decoder.received, cause: decoder.cause };
}

/** A decoder of which it is known what it has taken, and made of it. */
class Decoder implements Disposable {
  readonly #stream = createGunzip();
  readonly #closed: Promise<void>;
  #made: Buffer[] = [];
  received = 0;
  /** Why it failed. */
  cause: unknown;

  constructor() {
    this.#stream.on('data', (piece: Buffer) => this.#made.push(piece));
    this.#stream.on('error', (error) => {
      this.cause = error;
    });
    this.#closed = new Promise((resolve) => this.#stream.on('close', resolve));
  }

  /** What is wrong with what it has been given so far. */
  get fault(): GzipFault | undefined {
    if (this.cause !== undefined) return { is: 'broken', at: this.received, cause: this.cause };
    const at = this.#stream.bytesWritten;
    return at === this.received ? undefined : { is: 'followed', at };
  }

  /** What some bytes become. */
  async push(bytes: Uint8Array): Promise<readonly Buffer[]> {
    this.received += bytes.length;
    const written = new Promise<void>((resolve) => this.#stream.write(bytes, () => resolve()));
    // A null byte behind the last member ends the stream, and leaves the write open.
    await Promise.race([written, this.#closed]);
    return this.#take();
  }

  async end(): Promise<readonly Buffer[]> {
    this.#stream.end();
    await this.#closed;
    return this.#take();
  }

  [Symbol.dispose](): void {
    this.#stream.destroy();
  }

  #take(): readonly Buffer[] {
    const made = this.#made;
    this.#made = [];
    return made;
  }
}
