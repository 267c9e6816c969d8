import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { createTreeHasher, generateKey, SealtrailError, trailName } from '@sealtrail/core';
import { type DataFolder, dataFolder } from '../adapters/fs/data-folder.ts';
import { FsKeyStore } from '../adapters/fs/key-store.ts';
import { createNativeSigner } from '../adapters/native-ed25519.ts';
import { nativeSha256 } from '../adapters/native-sha256.ts';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import { SqliteLogStore } from '../adapters/sqlite/log-store.ts';
import { SqlitePublishedStore } from '../adapters/sqlite/published-store.ts';
import type { WriteFault } from '../ports.ts';
import type { LogReply, LogRequest, TrailStatus } from '../sequencer/protocol.ts';
import { Publisher } from '../sequencer/publisher.ts';
import { Sequencer } from '../sequencer/sequencer.ts';
import { failureOf, storageFailure } from './failure.ts';

/** What the log thread is started with. */
export interface LogThreadOptions {
  readonly dir: string;
  /** Prefix of the origins of new trails: `<originPrefix>/<trail>`. */
  readonly originPrefix: string;
  /** Longest time between an append and the checkpoint that covers it. */
  readonly publishEveryMs: number;
}

/**
 * The thread that owns the log: the only place where it is written. Requests are handled one after another in the
 * order in which they came.
 */
export class LogThread implements Disposable {
  readonly #options: LogThreadOptions;
  readonly #reply: (reply: LogReply) => void;
  readonly #keys: FsKeyStore;
  readonly #folder: DataFolder;
  readonly #resources = new DisposableStack();
  readonly #store: SqliteLogStore;
  readonly #reader: SqliteLogReader;
  readonly #sequencer: Sequencer;
  readonly #publisher: Publisher;
  readonly #timer: NodeJS.Timeout;

  constructor(options: LogThreadOptions, reply: (reply: LogReply) => void, fault?: WriteFault) {
    this.#options = options;
    this.#reply = reply;
    this.#folder = dataFolder(options.dir);
    this.#keys = new FsKeyStore(this.#folder);
    const hasher = createTreeHasher(nativeSha256);
    this.#store = this.#resources.use(new SqliteLogStore(this.#folder.log, fault));
    this.#reader = this.#resources.use(new SqliteLogReader(this.#folder.log));
    const published = this.#resources.use(new SqlitePublishedStore(this.#folder.published, fault));
    this.#sequencer = new Sequencer(this.#store, hasher, Date.now);
    this.#publisher = new Publisher({
      sequencer: this.#sequencer,
      store: this.#store,
      reader: this.#reader,
      published,
      keys: this.#keys,
      hasher,
      createSigner: createNativeSigner,
    });
    this.#publisher.recover();
    this.#timer = setInterval(() => this.#publishAll(), options.publishEveryMs);
    this.#reply({
      kind: 'ready',
      trails: [...this.#sequencer.trails()].map((trail) => this.#status(trail.name)),
    });
  }

  handle(request: LogRequest): void {
    switch (request.kind) {
      case 'append':
        try {
          const result = this.#sequencer.append(request);
          for (const [trail] of result.sizes) this.#publisher.grew(trail);
          this.#reply({ kind: 'appended', batch: request.batch, ...result });
        } catch (error) {
          this.#reply({ kind: 'appendFailed', batch: request.batch, failure: storageFailure(error) });
        }
        return;
      case 'createTrail':
        this.#answer(request.request, () => ({
          kind: 'trailCreated',
          request: request.request,
          trail: this.#createTrail(request.name),
        }));
        return;
      case 'publish':
        this.#answer(request.request, () => ({
          kind: 'published',
          request: request.request,
          trail: request.trail,
          checkpoint: this.#publisher.publish(request.trail),
        }));
        return;
      case 'close':
        this.#publishAll();
        this[Symbol.dispose]();
        this.#reply({ kind: 'closed', request: request.request });
        return;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#resources.dispose();
  }

  #answer(request: number, work: () => LogReply): void {
    try {
      this.#reply(work());
    } catch (error) {
      this.#reply({ kind: 'requestFailed', request, failure: storageFailure(error) });
    }
  }

  #publishAll(): void {
    try {
      for (const { trail, checkpoint } of this.#publisher.publishAll())
        this.#reply({ kind: 'published', trail, checkpoint });
    } catch (error) {
      // The next tick tries again; until then readers see the last checkpoint that was published.
      this.#reply({ kind: 'publishFailed', failure: storageFailure(error) });
    }
  }

  /** A key, a line of policy, a row: in this order, so that a crash in between leaves nothing that cannot go on. */
  #createTrail(name: string): TrailStatus {
    trailName.parse(name);
    if (this.#sequencer.trail(name)) throw new SealtrailError('trail_exists', `a trail named ${name} exists`);
    const origin = `${this.#options.originPrefix}/${name}`;
    const left = this.#keys.read(name);
    const pair =
      left === undefined
        ? generateKey(origin, randomBytes(32))
        : { skey: left, vkey: createNativeSigner(left).vkey };
    this.#keys.create(name, pair.skey, pair.vkey);
    this.#sequencer.addTrail(
      this.#store.createTrail(name, pair.vkey.slice(0, pair.vkey.indexOf('+')), pair.vkey),
    );
    return this.#status(name);
  }

  #status(name: string): TrailStatus {
    const trail = this.#sequencer.trail(name)!;
    return {
      name,
      origin: trail.origin,
      vkey: trail.vkey,
      size: this.#reader.size(name),
      checkpoint: this.#publisher.last(name),
    };
  }
}

if (parentPort) {
  const port = parentPort;
  const reply = (message: LogReply): void => port.postMessage(message);
  try {
    const thread = new LogThread(workerData as LogThreadOptions, reply);
    port.on('message', (request: LogRequest) => {
      thread.handle(request);
      if (request.kind === 'close') port.close();
    });
  } catch (error) {
    reply({ kind: 'fatal', failure: failureOf(error) });
    port.close();
  }
}
