import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { uuidV7 } from '@sealtrail/core';
import Database from 'better-sqlite3';
import { ownerScope } from '../../packages/server/dist/access/scopes.js';
import { parseConfig } from '../../packages/server/dist/config.js';
import { type Engine, openEngine } from '../../packages/server/dist/main.js';
import {
  type FolderVerdict,
  type VerifyFolderOptions,
  verifyFolder,
} from '../../packages/server/dist/verify/verify-folder.js';

/** Sizes of `main` at which a checkpoint was published. */
export const SIZES: readonly number[] = [1, 100, 300, 512, 700];
/** Size of `main` when the older copy was taken. */
export const OLDER_SIZE = 300;
/** Entries of `main`: two bundles and a tail. */
export const SIZE = 700;

/** Entries of `billing`: one bundle, and a tail small enough to try every byte of. */
export const BILLING_SIZE = 260;

/** A data folder that a real engine wrote: the trails `main`, `system` and `billing`; and an older copy of it. */
export class OriginalFolder implements Disposable {
  readonly #root: string = mkdtempSync(path.join(tmpdir(), 'sealtrail-tamper-'));
  readonly dir: string = path.join(this.#root, 'data');
  readonly older: string = path.join(this.#root, 'older');

  static async make(): Promise<OriginalFolder> {
    const made = new OriginalFolder();
    await using(made.dir, async (engine) => {
      await record(engine, 'main', 0, OLDER_SIZE);
      await record(engine, 'billing', 0, BILLING_SIZE);
    });
    cpSync(made.dir, made.older, { recursive: true });
    await using(made.dir, (engine) => record(engine, 'main', OLDER_SIZE, SIZE));
    return made;
  }

  /** The trust policy as an auditor pinned it. */
  get policy(): string {
    return readFileSync(path.join(this.dir, 'trust-policy.txt'), 'utf8');
  }

  /** A copy to tamper with. */
  copy(): TamperedFolder {
    return new TamperedFolder(this, mkdtempSync(path.join(this.#root, 'copy-')));
  }

  [Symbol.dispose](): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** Opens an engine that publishes only when it is asked to: so that the sizes of checkpoints are known. */
async function using(dir: string, work: (engine: Engine) => Promise<void>): Promise<void> {
  const config = parseConfig({
    dir,
    originPrefix: 'audit.example',
    adminToken: 'admin-token-of-a-test',
    logLevel: 'silent',
    publishEveryMs: 3_600_000,
  });
  const engine = await openEngine(config);
  await work(engine);
  await engine[Symbol.asyncDispose]();
}

async function record(engine: Engine, trail: string, from: number, to: number): Promise<void> {
  let next = from;
  const stops = [...(trail === 'main' ? SIZES : []), to].filter((size) => from < size && size <= to);
  for (const stop of stops) {
    while (next < stop) {
      const request = engine.intake.begin(ownerScope, false);
      // Several rows in the tail.
      for (const end = Math.min(stop, next + 64); next < end; next++)
        request.addLine(Buffer.from(JSON.stringify(eventAt(trail, next))));
      await request.finish();
    }
    await engine.log.publish(trail);
  }
}

function eventAt(trail: string, i: number): object {
  const random = Buffer.alloc(10);
  random.writeUInt32BE(i, 6);
  return {
    id: uuidV7(1_767_225_600_000 + i, random),
    trail,
    time: '2026-01-01T00:00:00.000Z',
    action: 'invoice.refund',
    category: 'data_change',
    actor: { type: 'user', id: `u_${i % 7}` },
    metadata: { number: i },
  };
}

/** A copy of the original folder, and what an attacker has done to it. */
export class TamperedFolder implements Disposable {
  readonly original: OriginalFolder;
  readonly dir: string;

  constructor(original: OriginalFolder, dir: string) {
    this.original = original;
    this.dir = dir;
    cpSync(original.dir, dir, { recursive: true });
  }

  file(name: string): string {
    return path.join(this.dir, name);
  }

  /** Changes a SQLite file, by default the log. */
  change(work: (db: Database.Database) => void, file = 'log.db'): void {
    const db = new Database(this.file(file));
    try {
      db.pragma('synchronous = OFF');
      work(db);
    } finally {
      db.close();
    }
  }

  /** Puts a file of the older copy in place. */
  restore(name: string): void {
    cpSync(path.join(this.original.older, name), this.file(name));
  }

  write(name: string, text: string): void {
    writeFileSync(this.file(name), text);
  }

  read(name: string): string {
    return readFileSync(this.file(name), 'utf8').trim();
  }

  remove(name: string): void {
    rmSync(this.file(name), { recursive: true });
  }

  /** Has a server open the folder, and stop. */
  open(): Promise<void> {
    return using(this.dir, async () => {});
  }

  /** The verdict by the pinned policy, unless told otherwise. */
  verify(options: VerifyFolderOptions = {}): Promise<FolderVerdict> {
    return verifyFolder(this.dir, { policyText: this.original.policy, settleMs: 0, ...options });
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
