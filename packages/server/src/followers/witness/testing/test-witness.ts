import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  addSignatures,
  createCosigner,
  createTreeHasher,
  decodeBase64,
  equalBytes,
  formatSignatureLine,
  generateKey,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  verifierFromVkey,
  verifyConsistency,
} from '@sealtrail/core';

/** What a witness does instead of what it should. */
export type Misbehaviour =
  | 'wrong signature'
  | 'unknown signature'
  | 'larger size'
  | 'size that is none'
  | 'size without its type'
  | 'hang'
  | 'huge answer'
  | 'redirect'
  | 'unavailable'
  | 'busy'
  | 'forget'
  | 'another root';

interface Seen {
  readonly size: number;
  readonly root: Uint8Array;
  readonly note: string;
}

const sizeType = { 'content-type': 'text/x.tlog.size' };

/** Answers that do not depend on what was asked. */
const oddAnswers: Partial<
  Record<Misbehaviour, { status: number; text?: string; headers?: Record<string, string> }>
> = {
  'huge answer': { status: 200, text: `${'x'.repeat(1_000_000)}\n` },
  redirect: { status: 307, headers: { location: '/witness/elsewhere' } },
  unavailable: { status: 503, headers: { 'retry-after': '1' } },
  busy: { status: 429 },
  'larger size': { status: 409, text: '9000000\n', headers: sizeType },
  'size that is none': { status: 409, text: 'many\n', headers: sizeType },
  'size without its type': { status: 409, text: '3\n' },
  'another root': { status: 422, text: 'another root' },
};

class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const hasher = createTreeHasher();

/**
 * A witness as the specification has it (C2SP tlog-witness), with its state in memory, behind a real server on loopback.
 * It shows what it cosigned last under the hash of the origin, if it is told to.
 */
export class TestWitness implements AsyncDisposable {
  readonly name: string;
  readonly vkey: string;
  /** Logs that it knows, by origin. */
  readonly logs: Map<string, string> = new Map();
  readonly seen: Map<string, Seen> = new Map();
  /** Statuses that were answered to add-checkpoint, by origin, in order; 0 for requests that it hangs on. */
  readonly answers: { readonly origin: string; readonly status: number }[] = [];
  misbehaviour: Misbehaviour | undefined;
  showsCheckpoints = true;
  readonly #server: Server;
  readonly #cosigner: ReturnType<typeof createCosigner>;
  readonly #port: number;

  private constructor(name: string, seed: Uint8Array, server: Server) {
    this.name = name;
    const { skey, vkey } = generateKey(name, seed, 4);
    this.vkey = vkey;
    this.#cosigner = createCosigner(skey);
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    server.on('request', (request, response) => void this.#handle(request, response));
  }

  static async start(name: string, seed: Uint8Array = randomBytes(32)): Promise<TestWitness> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TestWitness(name, seed, server);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/witness`;
  }

  /** Its line in a trust policy. */
  get line(): string {
    return `witness ${this.name} ${this.vkey} ${this.url}`;
  }

  knows(...vkeys: readonly string[]): void {
    for (const vkey of vkeys) this.logs.set(vkey.slice(0, vkey.indexOf('+')), vkey);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    if (request.method === 'POST' && request.url === '/witness/add-checkpoint') this.#add(body, response);
    else if (request.method === 'GET') this.#show(request.url ?? '', response);
    else response.writeHead(404).end();
  }

  #show(url: string, response: ServerResponse): void {
    const found = [...this.seen].find(
      ([origin]) => url === `/witness/${createHash('sha256').update(origin).digest('hex')}/checkpoint`,
    );
    if (found && this.showsCheckpoints) response.end(found[1].note);
    else response.writeHead(404).end();
  }

  #add(body: string, response: ServerResponse): void {
    const origin = /\n\n([^\n]*)\n/.exec(body)?.[1] ?? '';
    const answer = (status: number, text: string, headers: Record<string, string> = {}): void => {
      this.answers.push({ origin, status });
      response.writeHead(status, headers).end(text);
    };
    const odd = this.misbehaviour && oddAnswers[this.misbehaviour];
    if (this.misbehaviour === 'hang') {
      this.answers.push({ origin, status: 0 });
      return;
    }
    if (odd) {
      answer(odd.status, odd.text ?? '', odd.headers);
      return;
    }
    if (this.misbehaviour === 'forget') this.seen.clear();
    try {
      const lines = this.#cosign(body);
      answer(typeof lines === 'string' ? 200 : 409, typeof lines === 'string' ? lines : `${lines}\n`, {
        ...(typeof lines === 'number' && sizeType),
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answer(error.status, error.message);
    }
  }

  /** The steps of add-checkpoint. @returns signature lines, or the size that it has */
  #cosign(body: string): string | number {
    const end = body.indexOf('\n\n');
    const [old = '', ...lines] = body.slice(0, end).split('\n');
    const oldSize = Number(/^old (0|[1-9]\d*)$/.exec(old)?.[1] ?? Number.NaN);
    const proof = lines.map((line) => decodeBase64(line));
    const note = body.slice(end + 2);
    const separator = note.lastIndexOf('\n\n');
    // Signatures that cannot be read are none of the log's: 403, as one that is wrong.
    const checkpoint = attempt(400, () => parseCheckpoint(note.slice(0, separator + 1)));
    if (end === -1 || Number.isNaN(oldSize) || proof.some((hash) => hash?.length !== 32) || lines.length > 63)
      throw new Refusal(400, 'malformed');
    const { origin, size, root } = checkpoint;
    const vkey = this.logs.get(origin);
    if (vkey === undefined) throw new Refusal(404, 'unknown log');
    attempt(403, () => openCheckpoint(note, [verifierFromVkey(vkey)]));
    if (oldSize > size) throw new Refusal(400, 'the old size is larger');
    const seen = this.seen.get(origin);
    if (oldSize !== (seen?.size ?? 0)) return seen?.size ?? 0;
    if (oldSize === 0 && proof.length > 0) throw new Refusal(422, 'there is nothing to prove');
    if (oldSize === size && seen && !equalBytes(root, seen.root)) throw new Refusal(422, 'another root');
    if (seen)
      attempt(422, () => verifyConsistency(oldSize, size, seen.root, root, proof as Uint8Array[], hasher));
    const cosigner = this.#cosigner.at(Math.floor(Date.now() / 1000));
    const { text } = parseNote(note);
    const line = { name: cosigner.name, keyId: cosigner.keyId, signature: cosigner.sign(text) };
    this.seen.set(origin, { size, root, note: addSignatures(note, [line]) });
    if (this.misbehaviour === 'wrong signature') line.signature[20]! ^= 1;
    if (this.misbehaviour === 'unknown signature') line.keyId = '01020304';
    return formatSignatureLine(line);
  }
}

function attempt<T>(status: number, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new Refusal(status, String(cause));
  }
}
