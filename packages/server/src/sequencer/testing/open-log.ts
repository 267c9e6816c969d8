import { createTreeHasher, generateKey, type NoteVerifier, type TreeHasher } from '@sealtrail/core';
import type { DataFolder } from '../../adapters/fs/data-folder.ts';
import { FsKeyStore } from '../../adapters/fs/key-store.ts';
import { createNativeSigner, nativeEd25519Verify } from '../../adapters/native-ed25519.ts';
import { nativeSha256 } from '../../adapters/native-sha256.ts';
import { SqliteLogReader } from '../../adapters/sqlite/log-reader.ts';
import { SqliteLogStore } from '../../adapters/sqlite/log-store.ts';
import { SqlitePublishedStore } from '../../adapters/sqlite/published-store.ts';
import type { LogStore, WriteFault } from '../../ports.ts';
import { Publisher } from '../publisher.ts';
import { Sequencer } from '../sequencer.ts';

export interface OpenLogOptions {
  /** Trails that are made when they are not there; default `main`. */
  readonly trails?: readonly string[];
  readonly now?: () => number;
  readonly fault?: WriteFault;
  /** Those who are asked for cosignatures. */
  readonly witnesses?: readonly NoteVerifier[];
  /** What the sequencer sees of the store. */
  readonly watch?: (store: LogStore) => LogStore;
}

/** The parts of the log over real files, in the test's own thread. Opening recovers, as starting does. */
export class OpenLog implements Disposable {
  readonly hasher: TreeHasher = createTreeHasher(nativeSha256);
  readonly store: SqliteLogStore;
  readonly reader: SqliteLogReader;
  readonly published: SqlitePublishedStore;
  readonly keys: FsKeyStore;
  readonly sequencer: Sequencer;
  readonly publisher: Publisher;
  readonly #resources: DisposableStack;

  constructor(folder: DataFolder, options: OpenLogOptions = {}) {
    const { trails = ['main'], now = Date.now, fault, witnesses = [], watch = (store) => store } = options;
    using resources = new DisposableStack();
    this.keys = new FsKeyStore(folder);
    this.store = resources.use(new SqliteLogStore(folder.log, fault));
    this.reader = resources.use(new SqliteLogReader(folder.log));
    this.published = resources.use(new SqlitePublishedStore(folder.published, fault));
    this.sequencer = new Sequencer(watch(this.store), this.hasher, now);
    this.publisher = new Publisher({
      ...this,
      witnesses,
      createSigner: createNativeSigner,
      native: nativeEd25519Verify,
    });
    this.publisher.recover();
    for (const [i, name] of trails.entries()) if (!this.sequencer.trail(name)) this.#makeTrail(name, i);
    this.#resources = resources.move();
  }

  #makeTrail(name: string, number: number): void {
    const seed = new Uint8Array(32).fill(1);
    new DataView(seed.buffer).setUint32(0, number);
    const origin = `audit.example/${name}`;
    const { skey, vkey } = generateKey(origin, seed);
    this.keys.create(name, skey);
    this.sequencer.addTrail(this.store.createTrail(name, origin, vkey));
    this.keys.trust([vkey]);
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}
