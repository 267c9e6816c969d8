import { type Entry, SealtrailError } from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import { Intake } from '../ingest/intake.ts';
import { LogClient } from '../sequencer/log-client.ts';
import { InlineWorker } from '../sequencer/testing/inline-worker.ts';
import { temporaryFolder } from '../sequencer/testing/temporary-folder.ts';
import { codeOfPromise } from '../testing/code-of.ts';
import { createTrail, recordForgottenActs, revokeToken } from './acts.ts';
import { systemTrail } from './permissions.ts';
import { SystemTrail } from './system-trail.ts';
import { Tokens } from './tokens.ts';

const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));
const by = { actor: { type: 'api_key', id: 'tok_admin' } } as const;
const anybody = (): boolean => true;

/** A log whose writing can be made to fail, with the tokens of a server. */
class Administered implements AsyncDisposable {
  readonly folder = temporaryFolder();
  readonly log: LogClient;
  readonly system: SystemTrail;
  readonly tokens: Tokens;
  isFailing = false;

  constructor() {
    const worker = new InlineWorker(
      { dir: this.folder.dir, originPrefix: 'audit.example', publishEveryMs: 3_600_000 },
      (point, phase) => {
        if (this.isFailing && point === 'append' && phase === 'before')
          throw new SealtrailError('storage_unavailable');
      },
    );
    this.log = new LogClient(worker.asWorker);
    this.system = new SystemTrail(new Intake(this.log, { now: Date.now, random }), () => {});
    this.tokens = new Tokens({ all: () => [], add: () => {}, revoke: () => {} }, { now: Date.now, random });
  }

  static async start(): Promise<Administered> {
    const started = new Administered();
    await started.log.ready;
    await started.log.createTrail(systemTrail);
    return started;
  }

  /** What a server does when it starts. */
  async restart(): Promise<void> {
    using reader = new SqliteLogReader(this.folder.log);
    await recordForgottenActs({ ...this, reader });
  }

  /** Entries of `system`: action, actor and target. */
  recorded(): unknown[] {
    using reader = new SqliteLogReader(this.folder.log);
    return reader
      .entries(systemTrail, 0, reader.size(systemTrail))
      .map((bytes) => JSON.parse(Buffer.from(bytes).toString()) as Entry)
      .map(({ action, actor, targets }) => [action, actor?.type, targets?.[0]?.id]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log.close();
    this.folder[Symbol.dispose]();
  }
}

describe('acts that are recorded when they are done', () => {
  it('are recorded once, with who did them', async () => {
    await using it = await Administered.start();
    await createTrail(it, 'fresh', by);
    const token = it.tokens.add(it.tokens.make({ name: 'ci', role: 'read' }));
    await revokeToken(it, token.id, by, anybody);
    await revokeToken(it, token.id, { actor: { type: 'system' } }, anybody);
    expect(it.recorded()).toEqual([
      ['trail.create', 'api_key', 'fresh'],
      ['token.revoke', 'api_key', token.id],
    ]);
  });

  it('are done although they cannot be recorded, and recorded on the next start', async () => {
    await using it = await Administered.start();
    const token = it.tokens.add(it.tokens.make({ name: 'ci', role: 'read' }));
    it.isFailing = true;
    expect(await codeOfPromise(createTrail(it, 'fresh', by))).toBe('storage_unavailable');
    expect(await codeOfPromise(revokeToken(it, token.id, by, anybody))).toBe('storage_unavailable');
    expect([it.log.trail('fresh')?.size, it.tokens.find(token.secret)]).toEqual([0, undefined]);
    it.isFailing = false;
    await it.restart();
    const forgotten = [
      ['trail.create', 'system', systemTrail],
      ['trail.create', 'system', 'fresh'],
      ['token.revoke', 'system', token.id],
    ];
    expect(it.recorded().sort()).toEqual(forgotten.sort());
    await it.restart();
    expect(it.recorded()).toHaveLength(forgotten.length);
  });

  it('are recorded by another attempt as well', async () => {
    await using it = await Administered.start();
    const token = it.tokens.add(it.tokens.make({ name: 'ci', role: 'read' }));
    it.isFailing = true;
    expect(await codeOfPromise(revokeToken(it, token.id, by, anybody))).toBe('storage_unavailable');
    it.isFailing = false;
    await revokeToken(it, token.id, by, anybody);
    expect(it.recorded()).toEqual([['token.revoke', 'api_key', token.id]]);
  });
});
