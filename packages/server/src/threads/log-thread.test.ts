import { readFileSync } from 'node:fs';
import {
  CompactRange,
  createTreeHasher,
  HASH_BYTES,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  rootAt,
  verifierFromVkey,
} from '@sealtrail/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nativeSha256 } from '../adapters/native-sha256.ts';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import type { WriteFault } from '../ports.ts';
import { entryStatus, type LogReply, type LogRequest } from '../sequencer/protocol.ts';
import { SeededRandom } from '../sequencer/testing/seeded-random.ts';
import { batchOf, groupOf, risingId, type Sent, scatteredId } from '../sequencer/testing/sent.ts';
import { temporaryFolder } from '../sequencer/testing/temporary-folder.ts';
import { LogThread } from './log-thread.ts';

const publishEveryMs = 1000;
const hasher = createTreeHasher(nativeSha256);

/** Where writes fail: at every one of them, before it takes effect or after. */
const faults = (['append', 'createTrail', 'checkpoint', 'published', 'trust'] as const).flatMap((point) =>
  (['before', 'after'] as const).map((phase) => `${point} ${phase}`),
);

interface Acknowledged {
  readonly index: number;
  readonly leafHash: string;
}

/** A log whose writes fail when told to, and a model of what it has promised. */
class FaultyLog implements Disposable {
  readonly folder = temporaryFolder();
  readonly trails = new Set<string>();
  /** Receipts given, by trail and id. */
  readonly promised: Map<string, Map<string, Acknowledged>> = new Map();
  /** Events of requests that failed and were not repeated: each may be there once. */
  readonly uncertain: Set<string> = new Set();
  /** Every checkpoint that anybody was shown, by trail and size. */
  readonly shown: Map<string, string> = new Map();
  fault: string | undefined;
  #replies: LogReply[] = [];
  #thread: LogThread;

  constructor() {
    this.#thread = this.#open();
  }

  /** Ends it as a crash would: nothing is published any more. */
  restart(): void {
    this.#thread[Symbol.dispose]();
    try {
      this.#thread = this.#open();
    } catch (error) {
      if (!(error instanceof InjectedFault)) throw error;
      this.#thread = this.#open();
    }
  }

  /** Makes a trail; true when it was answered that it is made. */
  createTrail(name: string): boolean {
    const reply = this.#ask({ kind: 'createTrail', request: 1, name });
    if (reply?.kind !== 'trailCreated') return false;
    this.trails.add(name);
    return true;
  }

  publish(trail: string): boolean {
    return this.#ask({ kind: 'publish', request: 1, trail })?.kind === 'published';
  }

  tick(): void {
    vi.advanceTimersByTime(publishEveryMs);
    this.#take();
  }

  /** Sends requests in one batch; true when they were answered. Every receipt is compared with those given before. */
  append(requests: readonly (readonly Sent[])[]): boolean {
    const batch = batchOf(...requests.map((events) => groupOf(events)));
    const events = requests.flat().map(({ id, trail = 'main' }) => ({ id, trail }));
    const reply = this.#ask(batch);
    if (reply?.kind !== 'appended') {
      for (const { id, trail } of events)
        if (!this.promised.get(trail)?.has(id)) this.uncertain.add(`${trail} ${id}`);
      return false;
    }
    for (const [i, { id, trail }] of events.entries()) {
      const before = this.promised.get(trail)?.get(id);
      const leafHash = hex(reply.leafHashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
      const receipt = { index: reply.indexes[i]!, leafHash };
      if (reply.statuses[i]! > entryStatus.duplicate) throw new Error(`refused with ${reply.statuses[i]}`);
      if (before) expect(receipt).toEqual(before);
      const receipts = this.promised.get(trail) ?? new Map<string, Acknowledged>();
      this.promised.set(trail, receipts);
      receipts.set(id, receipt);
      this.uncertain.delete(`${trail} ${id}`);
    }
    return true;
  }

  /** Looks at the files alone: what was promised is there once and in its place, and nothing that was never sent. */
  expectKept(): void {
    using reader = new SqliteLogReader(this.folder.log);
    expect([...this.trails].flatMap((trail) => [...this.#broken(trail, reader)])).toEqual([]);
  }

  *#broken(trail: string, reader: SqliteLogReader): Generator<string> {
    const size = reader.size(trail);
    const range = new CompactRange(hasher);
    const found = new Map<string, Acknowledged>();
    const promised = this.promised.get(trail) ?? new Map<string, Acknowledged>();
    let lastTime = '';
    for (const [index, bytes] of reader.entries(trail, 0, size).entries()) {
      const leafHash = hasher.leafHash(bytes);
      range.append(leafHash);
      const { id, receivedAt } = JSON.parse(Buffer.from(bytes).toString()) as {
        id: string;
        receivedAt: string;
      };
      if (found.has(id)) yield `${id} is in ${trail} twice`;
      found.set(id, { index, leafHash: hex(leafHash) });
      if (receivedAt < lastTime) yield `entry ${index} was received before the one before it`;
      lastTime = receivedAt;
      const note = this.shown.get(`${trail} ${range.size}`);
      if (note !== undefined && hex(parseCheckpoint(parseNote(note).text).root) !== hex(range.root()))
        yield `the checkpoint of size ${range.size} has another root`;
    }
    if (hex(rootAt(size, (level, i) => reader.node(trail, level, i), hasher)) !== hex(range.root()))
      yield 'the stored tree is not that of the entries';
    for (const [id, { index, leafHash }] of promised) {
      const kept = found.get(id);
      if (kept?.index !== index || kept.leafHash !== leafHash)
        yield `${id} was promised at ${index} of ${trail}`;
    }
    for (const id of found.keys())
      if (!promised.has(id) && !this.uncertain.has(`${trail} ${id}`))
        yield `${id} was never sent to ${trail}`;
  }

  [Symbol.dispose](): void {
    this.#thread[Symbol.dispose]();
    this.folder[Symbol.dispose]();
  }

  #open(): LogThread {
    const hook: WriteFault = (point, phase) => {
      if (this.fault !== `${point} ${phase}`) return;
      this.fault = undefined;
      throw new InjectedFault();
    };
    const options = { dir: this.folder.dir, originPrefix: 'audit.example', publishEveryMs };
    return new LogThread(options, (reply) => this.#replies.push(reply), hook);
  }

  #ask(request: LogRequest): LogReply | undefined {
    this.#take();
    this.#thread.handle(request);
    return this.#take().at(-1);
  }

  #take(): LogReply[] {
    const replies = this.#replies;
    this.#replies = [];
    for (const reply of replies) {
      const known =
        reply.kind === 'ready' ? reply.trails.map((t) => ({ trail: t.name, checkpoint: t.checkpoint })) : [];
      for (const { trail, checkpoint } of reply.kind === 'published' ? [reply] : known) {
        if (!checkpoint) continue;
        const key = `${trail} ${checkpoint.size}`;
        expect(this.shown.get(key) ?? checkpoint.note).toBe(checkpoint.note);
        this.shown.set(key, checkpoint.note);
      }
    }
    return replies;
  }
}

/** As SQLite says that the disk is full. */
class InjectedFault extends Error {
  readonly code = 'SQLITE_FULL';
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('LogThread, when a write fails', () => {
  it.each(faults)('goes on after "%s", and the failed request gets what it would have got', (fault) => {
    using log = new FaultyLog();
    log.createTrail('main');
    log.append([[{ id: risingId(0) }]]);
    log.tick();
    log.fault = fault;
    const late = { id: risingId(2), trail: 'late' };
    for (let round = 0; round < 2; round++) {
      // Whatever fails in the first round succeeds in the second, and only one thing fails.
      const answers = [
        log.append([[{ id: risingId(1) }], [{ id: risingId(0) }]]),
        log.createTrail('late') || log.trails.has('late'),
        log.trails.has('late') && log.append([[late]]),
        log.publish('main'),
      ];
      log.tick();
      if (round === 1) expect(answers).toEqual([true, true, true, true]);
    }
    expect(log.fault).toBeUndefined();
    log.expectKept();
    expect([log.promised.get('main')?.size, log.promised.get('late')?.size]).toEqual([2, 1]);
    log.restart();
    log.expectKept();
    expect(log.shown.has('main 2') && log.shown.has('late 1')).toBe(true);
  });

  it.each([1, 2])('loses, doubles and contradicts nothing over random operations (seed %i)', (seed) => {
    const random = new SeededRandom(seed);
    using log = new FaultyLog();
    while (!log.createTrail('main'));
    let sent = 0;
    let unanswered: Sent[][] | undefined;
    /** Everything sent so far: sent again it is the same in all but the time that the server chooses. */
    const all: Sent[] = [];
    const newEvent = (): Sent => {
      const n = sent++;
      return {
        id: random.chance(0.8) ? risingId(n) : scatteredId(n),
        trail: random.pick([...log.trails]),
        metadata: { n },
      };
    };
    for (let step = 0; step < 80; step++) {
      if (random.chance(0.35)) log.fault = random.pick(faults);
      const operation = random.next();
      if (unanswered && random.chance(0.7)) {
        // What a client does that got no answer: the same again, and there must be one unless it fails once more.
        if (log.append(unanswered)) unanswered = undefined;
      } else if (operation < 0.6) {
        const requests = Array.from({ length: random.integer(1, 4) }, () =>
          Array.from({ length: random.pick([1, 2, 5, 100, 256]) }, () =>
            all.length > 0 && random.chance(0.1) ? random.pick(all) : newEvent(),
          ),
        );
        all.push(...requests.flat());
        if (!log.append(requests)) unanswered = requests;
      } else if (operation < 0.7) log.createTrail(`trail-${random.integer(0, 5)}`);
      else if (operation < 0.85) log.publish(random.pick([...log.trails]));
      else if (operation < 0.93) log.tick();
      else log.restart();
      if (step % 20 === 0) log.expectKept();
    }
    log.fault = undefined;
    expect(log.append([all])).toBe(true);
    log.tick();
    log.expectKept();
    expect(log.uncertain.size).toBe(0);
    log.restart();
    log.expectKept();
    expect(all.length).toBeGreaterThan(500);
  });
});

describe('LogThread', () => {
  it('signs nothing before it is asked to where it was told to wait, and tells of all that it stores', () => {
    using folder = temporaryFolder();
    const replies: LogReply[] = [];
    const kinds = (): string[] => replies.splice(0).map(({ kind }) => kind);
    let fault: string | undefined;
    const options = { dir: folder.dir, originPrefix: 'audit.example', publishEveryMs, holdSigning: true };
    const hook: WriteFault = (point) => {
      if (point === fault) throw new InjectedFault();
    };
    using thread = new LogThread(options, (reply) => replies.push(reply), hook);
    thread.handle({ kind: 'createTrail', request: 1, name: 'main' });
    thread.handle(batchOf(groupOf([{ id: risingId(0) }])));
    vi.advanceTimersByTime(10 * publishEveryMs);
    expect(kinds()).toEqual(['ready', 'trailCreated', 'appended']);
    for (let i = 0; i < 2; i++) thread.handle({ kind: 'startSigning' });
    vi.advanceTimersByTime(publishEveryMs);
    expect(kinds()).toEqual(['published']);
    // What is published is told of, also when cosignatures cannot be stored with it.
    fault = 'cosign';
    const signature = { name: 'witness.example', keyId: '01020304', signature: new Uint8Array(72) };
    thread.handle({ kind: 'cosign', trail: 'main', size: 1, signatures: [signature] });
    thread.handle(batchOf(groupOf([{ id: risingId(1) }])));
    vi.advanceTimersByTime(publishEveryMs);
    expect(kinds()).toEqual(['appended', 'published', 'writable', 'publishFailed']);
    fault = undefined;
    vi.advanceTimersByTime(publishEveryMs);
    expect(kinds()).toEqual(['writable', 'cosigned']);
    thread.handle({ kind: 'compare', request: 2, trail: 'main', note: 'nonsense' });
    expect(replies).toEqual([{ kind: 'compared', request: 2, failure: undefined }]);
  });

  it('that waits for signing and is closed has signed nothing', () => {
    using folder = temporaryFolder();
    const options = { dir: folder.dir, originPrefix: 'audit.example', publishEveryMs, holdSigning: true };
    const kinds: string[] = [];
    const thread = new LogThread(options, ({ kind }) => kinds.push(kind));
    thread.handle({ kind: 'createTrail', request: 1, name: 'main' });
    thread.handle(batchOf(groupOf([{ id: risingId(0) }])));
    thread.handle({ kind: 'close', request: 2 });
    expect(kinds).toEqual(['ready', 'trailCreated', 'appended', 'closed']);
  });

  it('goes on with the key of a trail whose making was cut off, wherever it was', () => {
    using folder = temporaryFolder();
    const replies: LogReply[] = [];
    const options = { dir: folder.dir, originPrefix: 'audit.example', publishEveryMs };
    const make = (fault?: string): void => {
      using thread = new LogThread(
        options,
        (reply) => replies.push(reply),
        (point, phase) => {
          if (`${point} ${phase}` === fault) throw new InjectedFault();
        },
      );
      thread.handle({ kind: 'createTrail', request: 1, name: 'main' });
    };
    make('createTrail before');
    make('createTrail after');
    // The row is stored: starting adds the line of policy that is missing.
    make();
    expect(replies.map(({ kind }) => kind).filter((kind) => kind !== 'writable')).toEqual([
      'ready',
      'requestFailed',
      'ready',
      'requestFailed',
      'ready',
      'requestFailed',
    ]);
    expect(replies.at(-1)).toMatchObject({ failure: { code: 'trail_exists' } });
    const [{ trails }] = replies.filter((reply) => reply.kind === 'ready').slice(-1) as unknown as [
      { trails: { vkey: string }[] },
    ];
    expect(readFileSync(folder.policy, 'utf8')).toContain(`log ${trails[0]!.vkey}\n`);
  });

  describe.each(['append', 'createTrail', 'published'] as const)('whose disk takes no %s', (point) => {
    it('says so until it has written again, and tries by itself when nobody asks', () => {
      using folder = temporaryFolder();
      const replies: LogReply[] = [];
      const told = (): (string | undefined)[] =>
        replies.splice(0).flatMap((reply) => (reply.kind === 'writable' ? [reply.failure?.code] : []));
      let isFull = false;
      using thread = new LogThread(
        { dir: folder.dir, originPrefix: 'audit.example', publishEveryMs, probeEveryMs: 3 * publishEveryMs },
        (reply) => replies.push(reply),
        (at, phase) => {
          if (isFull && phase === 'before' && (at === point || at === 'probe')) throw new InjectedFault();
        },
      );
      let sent = 0;
      const append = (id = risingId(sent++)): void => thread.handle(batchOf(groupOf([{ id }])));
      const createTrail = (name: string): void => thread.handle({ kind: 'createTrail', request: 1, name });
      const attempt = { append, createTrail: () => createTrail('late'), published: append }[point];
      createTrail('main');
      append();
      vi.advanceTimersByTime(publishEveryMs);
      expect(told()).toEqual([]);

      isFull = true;
      for (let i = 0; i < 3; i++) {
        attempt();
        // An event that is there already is no commit.
        append(risingId(0));
        vi.advanceTimersByTime(10 * publishEveryMs);
      }
      expect(told()).toEqual(['storage_unavailable']);
      isFull = false;
      vi.advanceTimersByTime(3 * publishEveryMs);
      expect(told()).toEqual([undefined]);

      isFull = true;
      attempt();
      vi.advanceTimersByTime(publishEveryMs);
      isFull = false;
      attempt();
      vi.advanceTimersByTime(publishEveryMs);
      expect(told()).toEqual(['storage_unavailable', undefined]);
    });
  });

  it('keeps the chain of a trail over restarts: every checkpoint is a prefix of the next, under one key', () => {
    // Home-made chains are cut where files rotate or a process starts anew.
    using log = new FaultyLog();
    log.createTrail('main');
    let n = 0;
    for (let start = 0; start < 8; start++) {
      log.append([Array.from({ length: 100 }, () => ({ id: risingId(n++) }))]);
      if (start % 2 === 0) log.publish('main');
      log.restart();
    }
    log.publish('main');
    log.expectKept();
    const [vkey] = readFileSync(log.folder.policy, 'utf8').match(/(?<=^log )\S+/m)!;
    for (const note of log.shown.values()) openCheckpoint(note, [verifierFromVkey(vkey)]);
    expect(log.shown.size).toBeGreaterThanOrEqual(5);
  });
});
