import type { CreatedToken, Entry } from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import { SqliteStateStore } from '../adapters/sqlite/state-store.ts';
import { Intake } from '../ingest/intake.ts';
import type { StoredToken, TokenStore } from '../ports.ts';
import { LogClient } from '../sequencer/log-client.ts';
import { InlineWorker } from '../sequencer/testing/inline-worker.ts';
import { temporaryFolder } from '../sequencer/testing/temporary-folder.ts';
import { ensureChosenAdmin, ensureFirstAdmin, type FirstAdminParts } from './first-admin.ts';
import { issueToken } from './issue-token.ts';
import { systemTrail } from './permissions.ts';
import { SystemTrail } from './system-trail.ts';
import { Tokens } from './tokens.ts';

/** Where a start can be cut off. */
const steps = [
  'append before',
  'append after',
  'show before',
  'show after',
  'store before',
  'store after',
] as const;
type Step = (typeof steps)[number];

interface StartOptions {
  readonly adminToken?: string;
  readonly fault?: Step;
}

/** The part of a server that makes tokens, over a folder that stays when it is cut off. */
class Starts implements Disposable {
  readonly folder = temporaryFolder();
  /** Everything that the operator has been shown, in order. */
  readonly shown: CreatedToken[] = [];
  readonly warnings: string[] = [];

  #fault: Step | undefined;

  /** Starts as a server does, and stops. */
  start({ adminToken, fault }: StartOptions = {}): Promise<void> {
    const show = (created: CreatedToken): void => {
      this.#pass('show before');
      this.shown.push(created);
      this.#pass('show after');
    };
    const warn = (message: string): void => void this.warnings.push(message);
    return this.run(
      (parts) =>
        adminToken === undefined ? ensureFirstAdmin(parts, show) : ensureChosenAdmin(parts, adminToken, warn),
      fault,
    );
  }

  /** Starts, does something that is cut off at a step, and stops. */
  async run(work: (parts: FirstAdminParts) => Promise<unknown>, fault?: Step): Promise<void> {
    const worker = new InlineWorker(
      { dir: this.folder.dir, originPrefix: 'audit.example', publishEveryMs: 3_600_000 },
      (point, phase) => {
        if (point === 'append') this.#pass(`append ${phase}`);
      },
    );
    const log = new LogClient(worker.asWorker);
    await log.ready;
    const isNew = log.trail(systemTrail) === undefined;
    if (isNew) await log.createTrail(systemTrail);
    using state = new SqliteStateStore(this.folder.state);
    const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));
    const system = new SystemTrail(new Intake(log, { now: Date.now, random }), () => {});
    const store = new FailingStore(state, (step) => this.#pass(step));
    this.#fault = fault;
    try {
      await work({ tokens: new Tokens(store, { now: Date.now, random }), system, isNew });
    } finally {
      this.#fault = undefined;
      await log.close();
    }
  }

  #pass(step: Step): void {
    if (step === this.#fault) throw new Error(`cut off: ${step}`);
  }

  /** Tokens that are stored. */
  stored(): StoredToken[] {
    using state = new SqliteStateStore(this.folder.state);
    return [...state.all()];
  }

  /** Whether a secret opens the server as an admin. */
  opens(secret: string): boolean {
    using state = new SqliteStateStore(this.folder.state);
    const tokens = new Tokens(state, { now: Date.now, random: () => new Uint8Array() });
    return tokens.find(secret)?.role === 'admin';
  }

  /** Entries of `system` about tokens: outcome and id. */
  recorded(): string[] {
    using reader = new SqliteLogReader(this.folder.log);
    return reader
      .entries(systemTrail, 0, reader.size(systemTrail))
      .map((bytes) => JSON.parse(Buffer.from(bytes).toString()) as Entry)
      .filter(({ action }) => action === 'token.create')
      .map(({ outcome, targets }) => `${outcome} ${targets?.[0]?.id}`);
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

/** The real store, cut off before it has written or after. */
class FailingStore implements TokenStore {
  readonly #store: TokenStore;
  readonly #fail: (step: Step) => void;

  constructor(store: TokenStore, fail: (step: Step) => void) {
    this.#store = store;
    this.#fail = fail;
  }

  all(): readonly StoredToken[] {
    return this.#store.all();
  }

  add(token: StoredToken): void {
    this.#fail('store before');
    this.#store.add(token);
    this.#fail('store after');
  }

  revoke(id: string, revokedAt: string): void {
    this.#store.revoke(id, revokedAt);
  }
}

describe('the first admin token', () => {
  it('is made once, recorded and shown; after that no start makes another', async () => {
    using starts = new Starts();
    for (let i = 0; i < 3; i++) await starts.start();
    expect(starts.shown).toHaveLength(1);
    expect(starts.opens(starts.shown[0]!.secret)).toBe(true);
    expect(starts.recorded()).toEqual([`success ${starts.shown[0]!.id}`]);
  });

  it.each(steps)('opens what it is shown to open, after a start that was cut off: %s', async (fault) => {
    using starts = new Starts();
    for (let i = 0; i < 2; i++) {
      await starts.start({ fault }).catch(() => {});
      // Whatever is valid has been recorded, and somebody has seen it.
      for (const { token } of starts.stored()) {
        expect(starts.recorded()).toContain(`success ${token.id}`);
        expect(starts.shown.map(({ id }) => id)).toContain(token.id);
      }
    }
    await starts.start();
    await starts.start();
    expect(starts.opens(starts.shown.at(-1)!.secret)).toBe(true);
    expect(starts.stored()).toHaveLength(1);
    expect(starts.recorded()).toContain(`success ${starts.stored()[0]!.token.id}`);
  });

  it('is not made once there has been an admin token', async () => {
    using starts = new Starts();
    await starts.run((parts) => issueToken(parts, { name: 'shop', role: 'ingest' }, {}));
    await starts.start();
    expect(starts.shown).toHaveLength(1);
    await starts.run(async ({ tokens }) => tokens.revoke(starts.shown[0]!.id));
    await starts.start();
    // Revoking the last one is a decision; who has the folder and regrets it chooses a token in the environment.
    expect(starts.shown).toHaveLength(1);
  });
});

describe('an admin token of the operator’s choice', () => {
  const adminToken = 'token-of-the-operator';

  it.each(steps.filter((step) => !step.startsWith('show')))(
    'is valid and recorded, after a start that was cut off: %s',
    async (fault) => {
      using starts = new Starts();
      await starts.start({ adminToken, fault }).catch(() => {});
      for (const { token } of starts.stored()) expect(starts.recorded()).toContain(`success ${token.id}`);
      for (let i = 0; i < 2; i++) await starts.start({ adminToken });
      expect(starts.opens(adminToken)).toBe(true);
      expect(starts.stored()).toHaveLength(1);
      expect(starts.recorded()).toContain(`success ${starts.stored()[0]!.token.id}`);
      expect(starts.shown).toEqual([]);
    },
  );
});

describe('a token that could not be stored', () => {
  it('is no token, and the entry about it is followed by one that says so', async () => {
    using starts = new Starts();
    let id = '';
    const attempt = starts.run(
      (parts) =>
        issueToken(parts, { name: 'shop', role: 'admin' }, {}, { show: (created) => ({ id } = created) }),
      'store before',
    );
    await expect(attempt).rejects.toThrow('cut off');
    expect(starts.stored()).toEqual([]);
    expect(starts.recorded()).toEqual([`success ${id}`, `failure ${id}`]);
  });

  it('takes a short token of the operator, with a warning', async () => {
    using it = new Starts();
    await it.start({ adminToken: 'short-1234' });
    expect(it.opens('short-1234')).toBe(true);
    expect(it.warnings).toHaveLength(1);
  });

  it('stays shut to a token of the operator that was revoked, and says so', async () => {
    using it = new Starts();
    const adminToken = 'chosen-by-the-operator';
    await it.start({ adminToken });
    await it.run(async ({ tokens }) => tokens.revoke(tokens.find(adminToken)!.id));
    await it.start({ adminToken });
    expect(it.opens(adminToken)).toBe(false);
    expect(it.stored()).toHaveLength(1);
    expect(it.warnings).toHaveLength(1);
    expect(it.warnings[0]).not.toContain(adminToken);
  });
});
