import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import {
  createTreeHasher,
  generateKey,
  type KeyPair,
  SealtrailError,
  trailName,
  verifierFromVkey,
} from '@sealtrail/core';
import { dataFolder } from '../adapters/fs/data-folder.ts';
import { FsKeyStore } from '../adapters/fs/key-store.ts';
import { createNativeSigner, nativeEd25519Verify } from '../adapters/native-ed25519.ts';
import { nativeSha256 } from '../adapters/native-sha256.ts';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import { SqliteLogStore } from '../adapters/sqlite/log-store.ts';
import { SqlitePublishedStore } from '../adapters/sqlite/published-store.ts';
import type { TrailRecord, WriteFault } from '../ports.ts';
import { Resources } from '../resources.ts';
import type { LogReply, LogRequest, PublishedCheckpoint, TrailStatus } from '../sequencer/protocol.ts';
import { Publisher } from '../sequencer/publisher.ts';
import { Sequencer } from '../sequencer/sequencer.ts';
import { failureOf, startFailure, storageFailure } from './failure.ts';
import { Writability } from './writability.ts';

/** What the log thread is started with. */
export interface LogThreadOptions {
  readonly dir: string;
  /** Prefix of the origins of new trails: `<originPrefix>/<trail>`. */
  readonly originPrefix: string;
  /** Longest time between an append and the checkpoint that covers it. */
  readonly publishEveryMs: number;
  /** Whether nothing is signed until it is asked for (`startSigning`); default: signing begins at once. */
  readonly holdSigning?: boolean;
  /** Verifier keys of those who are asked for cosignatures; none unless given. */
  readonly witnesses?: readonly string[];
  /** Time between two looks whether the disk takes something again, once it did not; default five seconds. */
  readonly probeEveryMs?: number;
}

const defaultProbeEveryMs = 5000;

/**
 * The thread that owns the log: the only place where it is written. Requests are handled one after another in the
 * order in which they came.
 */
export class LogThread implements Disposable {
  readonly #options: LogThreadOptions;
  readonly #reply: (reply: LogReply) => void;
  readonly #keys: FsKeyStore;
  readonly #resources: Resources;
  readonly #store: SqliteLogStore;
  readonly #sequencer: Sequencer;
  readonly #publisher: Publisher;
  readonly #writability: Writability;
  readonly #timers: NodeJS.Timeout[];
  #isSigning = false;

  /**
   * @throws SealtrailError log_behind_published | log_forked | key_missing | data_folder_invalid | storage_unavailable
   */
  constructor(options: LogThreadOptions, reply: (reply: LogReply) => void, fault?: WriteFault) {
    this.#options = options;
    this.#reply = reply;
    this.#writability = new Writability((failure) => reply({ kind: 'writable', failure }));
    const folder = dataFolder(options.dir);
    this.#keys = new FsKeyStore(folder, fault);
    this.#keys.removeLeftOvers();
    const hasher = createTreeHasher(nativeSha256);
    using resources = new Resources();
    this.#store = resources.use(new SqliteLogStore(folder.log, fault));
    const reader = resources.use(new SqliteLogReader(folder.log));
    const published = resources.use(new SqlitePublishedStore(folder.published, fault));
    this.#sequencer = new Sequencer(this.#store, hasher, Date.now);
    this.#publisher = new Publisher({
      sequencer: this.#sequencer,
      store: this.#store,
      reader,
      published,
      keys: this.#keys,
      hasher,
      createSigner: createNativeSigner,
      native: nativeEd25519Verify,
      witnesses: (options.witnesses ?? []).map((vkey) =>
        verifierFromVkey(vkey, { native: nativeEd25519Verify }),
      ),
    });
    this.#publisher.recover();
    this.#keys.trust([...this.#sequencer.trails()].map(({ vkey }) => vkey));
    const lost = this.#keys.othersThan([...this.#sequencer.trails()]);
    const trails = [...this.#sequencer.trails()].map((trail) =>
      statusOf(trail, reader.size(trail.name), this.#publisher.last(trail.name)),
    );
    this.#resources = resources.move();
    this.#timers = [setInterval(() => this.#probe(), options.probeEveryMs ?? defaultProbeEveryMs)];
    if (options.holdSigning !== true) this.#startSigning();
    this.#reply({ kind: 'ready', trails, lost });
  }

  handle(request: LogRequest): void {
    switch (request.kind) {
      case 'append':
        try {
          const result = this.#sequencer.append(request);
          for (const [trail] of result.sizes) this.#publisher.grew(trail);
          // Without growth there was no commit.
          if (result.sizes.length > 0) this.#writability.written();
          this.#reply({ kind: 'appended', batch: request.batch, ...result });
        } catch (error) {
          // A commit that failed may have been stored all the same: the next round of publishing looks.
          for (const trail of request.trails) if (this.#sequencer.trail(trail)) this.#publisher.grew(trail);
          const failure = storageFailure(error);
          this.#writability.unwritten(failure, request.bytes.length);
          this.#reply({ kind: 'appendFailed', batch: request.batch, failure });
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
      case 'startSigning':
        this.#startSigning();
        return;
      case 'cosign':
        this.#publisher.cosign(request.trail, request.size, request.signatures);
        return;
      case 'compare':
        this.#answer(request.request, () => {
          const error = this.#publisher.compare(request.trail, request.note);
          return { kind: 'compared', request: request.request, failure: error && failureOf(error) };
        });
        return;
      case 'close':
        if (this.#isSigning) this.#publishAll();
        this[Symbol.dispose]();
        this.#reply({ kind: 'closed', request: request.request });
        return;
    }
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#resources[Symbol.dispose]();
  }

  #answer(request: number, work: () => LogReply): void {
    try {
      this.#reply(work());
    } catch (error) {
      const failure = storageFailure(error);
      this.#writability.unwritten(failure);
      this.#reply({ kind: 'requestFailed', request, failure });
    }
  }

  #startSigning(): void {
    if (this.#isSigning) return;
    this.#isSigning = true;
    this.#timers.push(setInterval(() => this.#publishAll(), this.#options.publishEveryMs));
  }

  #publishAll(): void {
    try {
      const { published, failures } = this.#publisher.publishAll();
      for (const { trail, checkpoint } of published) this.#reply({ kind: 'published', trail, checkpoint });
      for (const error of failures) this.#reply({ kind: 'publishFailed', failure: storageFailure(error) });
      const cosigned = this.#publisher.storeCosignatures();
      this.#writability.published();
      for (const { trail, checkpoint } of cosigned) this.#reply({ kind: 'cosigned', trail, checkpoint });
    } catch (error) {
      // The next tick tries again; until then readers see the last checkpoint that was published.
      const failure = storageFailure(error);
      this.#writability.published(failure);
      this.#reply({ kind: 'publishFailed', failure });
    }
  }

  /** Nobody may be sending events to a server that has said that it takes none, so it finds out by itself. */
  #probe(): void {
    const bytes = this.#writability.probeBytes;
    if (bytes === undefined) return;
    try {
      this.#store.probe(bytes);
      this.#writability.written();
    } catch {
      // It is as it was: the next look is due soon.
    }
  }

  /**
   * A key, a row, a line of policy. A crash in between leaves what this can go on from: a key that has signed nothing,
   * or a trail whose line is added on start.
   */
  #createTrail(name: string): TrailStatus {
    trailName.parse(name);
    if (this.#sequencer.trail(name)) throw new SealtrailError('trail_exists', `a trail named ${name} exists`);
    const { skey, vkey } = this.#keyFor(name);
    this.#keys.create(name, skey);
    const trail = this.#store.createTrail(name, vkey.slice(0, vkey.indexOf('+')), vkey);
    this.#keys.trust([trail.vkey]);
    this.#sequencer.addTrail(trail);
    this.#writability.written();
    return statusOf(trail, 0, undefined);
  }

  /** A new key, or the one that an attempt before has left. */
  #keyFor(name: string): KeyPair {
    const skey = this.#keys.read(name);
    if (skey === undefined) return generateKey(`${this.#options.originPrefix}/${name}`, randomBytes(32));
    const { vkey } = createNativeSigner(skey);
    // A line of policy comes last: whoever has one was a trail, may have signed, and must not sign another history.
    if (this.#keys.isTrusted(vkey) && !this.#store.trails().some((trail) => trail.name === name)) {
      throw new SealtrailError(
        'log_behind_published',
        `trail ${name} was made in this data folder, but the log does not have it: log.db has been set back or removed. Restore it, or start a new data folder`,
      );
    }
    return { skey, vkey };
  }
}

const statusOf = (
  { name, origin, vkey }: TrailRecord,
  size: number,
  checkpoint: PublishedCheckpoint | undefined,
): TrailStatus => ({ name, origin, vkey, size, checkpoint });

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
    reply({ kind: 'fatal', failure: startFailure((workerData as LogThreadOptions).dir, error) });
    port.close();
  }
}
