import { describe, expect, it } from 'vitest';
import { createCosigner } from '../checkpoint/cosignature.ts';
import { generateKey } from '../checkpoint/key.ts';
import { addSignatures } from '../checkpoint/note.ts';
import { parsePolicy } from '../checkpoint/policy.ts';
import { createCheckpointJudge } from '../checkpoint/trust.ts';
import { entryBytes, logKey, logSigner, MemoryTrail, noteAt, ORIGIN } from '../testing/memory-trail.ts';
import { failures, policy, SIZES, statusOf, verify } from '../testing/verdicts.ts';
import { type VerifyTrailOptions, verifyTrail } from './verify-trail.ts';

describe('an intact trail', () => {
  it('is intact, with every check in the verdict', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.remembered = trail.checkpoints[2]!.note;
    trail.faults = [];
    const verdict = await verify(trail);
    expect(verdict).toMatchObject({
      trail: 'main',
      origin: ORIGIN,
      ok: true,
      code: 'intact',
      size: 700,
      coveredSize: 700,
    });
    expect(verdict.checkpoint).toEqual(trail.checkpoints.at(-1));
    expect(verdict.ranges).toEqual([{ first: 0, last: 699, code: 'intact' }]);
    expect(verdict.assurance).toEqual({
      selfSigned: true,
      witnessed: { have: 0, need: 0, size: 700 },
      timestamped: false,
    });
    expect(Object.fromEntries(verdict.checks.map(({ check, status }) => [check, status]))).toEqual({
      identity: 'passed',
      entries: 'passed',
      tiles: 'passed',
      content: 'passed',
      checkpoints: 'passed',
      published: 'passed',
      remembered: 'passed',
      witnesses: 'skipped',
      coverage: 'passed',
      store: 'passed',
    });
  });

  it.each([0, 1, 255, 256, 257, 511, 512, 513, 1000])('is intact at size %i', async (size) => {
    const trail = new MemoryTrail(size, [size]);
    const verdict = await verify(trail);
    expect(failures(verdict)).toEqual([]);
    expect(verdict.coveredSize).toBe(size);
  });

  it('is intact with a level-2 tile', async () => {
    const trail = new MemoryTrail(66_000, [65_536, 66_000]);
    expect(trail.tiles.has('2/0')).toBe(true);
    expect(failures(await verify(trail, { inspectEntry: undefined as never }))).toEqual([]);
    trail.flipHash(2, 0, 0);
    expect(failures(await verify(trail))).toEqual([['tiles', 'modified', 0, 65_535]]);
  });

  it('may keep the leaf hashes of its last block nowhere', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.tiles.delete('0/2');
    expect(failures(await verify(trail))).toEqual([]);
  });

  it('may come in batches of any size', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.batches = [0, 1, 2, 300, 301, 600].map((start, i, starts) => ({
      start,
      entries: trail.entries.slice(start, starts[i + 1] ?? 700),
    }));
    expect(failures(await verify(trail))).toEqual([]);
  });

  it('skips what there is nothing to check with', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.hasTiles = false;
    trail.published = undefined;
    const verdict = await verifyTrail(trail.evidence(), { policy });
    expect(verdict.ok).toBe(true);
    for (const check of ['tiles', 'content', 'published', 'remembered', 'witnesses', 'store'])
      expect(statusOf(verdict, check), check).toBe('skipped');
  });

  it('says which entries no checkpoint covers yet, without failing', async () => {
    const verdict = await verify(new MemoryTrail(700, [300]));
    expect(verdict).toMatchObject({ ok: true, code: 'intact', coveredSize: 300 });
    expect(verdict.checks).toContainEqual(
      expect.objectContaining({ check: 'coverage', status: 'not_covered', firstIndex: 300, lastIndex: 699 }),
    );
    expect(verdict.ranges).toEqual([
      { first: 0, last: 299, code: 'intact' },
      { first: 300, last: 699, code: 'not_covered' },
    ]);
  });

  it('is covered by a published or remembered checkpoint that the log itself has not stored', async () => {
    const trail = new MemoryTrail(700, [300]);
    trail.published = noteAt(trail.tree(), 500);
    expect((await verify(trail)).coveredSize).toBe(500);
    trail.remembered = noteAt(trail.tree(), 600);
    expect((await verify(trail)).coveredSize).toBe(600);
  });

  it('gives the same verdict with injected hashing and signature checks, and reports progress', async () => {
    const { createHash } = await import('node:crypto');
    const trail = new MemoryTrail(700, SIZES);
    const progress: number[] = [];
    const verdict = await verify(trail, {
      sha256: (data) => createHash('sha256').update(data).digest(),
      native: () => false,
      onProgress: (entries) => progress.push(entries),
    });
    expect(verdict).toEqual(await verify(trail));
    expect(progress).toEqual([256, 512, 700]);
  });

  it('gives the same verdict by a judge, which serves many trails, as by the policy that it is made of', async () => {
    const judge = createCheckpointJudge(policy, { native: () => false });
    for (const sizes of [SIZES, [700]]) {
      const trail = new MemoryTrail(700, sizes);
      expect(await verify(trail, { policy: judge })).toEqual(await verify(trail));
    }
  });

  it('stops when asked to', async () => {
    const stopped = verify(new MemoryTrail(700, SIZES), { signal: AbortSignal.abort(new Error('enough')) });
    await expect(stopped).rejects.toThrow('enough');
  });

  it('lets go of what it reads from when it is stopped in the middle', async () => {
    const evidence = new MemoryTrail(700, SIZES).evidence();
    const open = new Set<string>();
    async function* watched<T>(name: string, items: AsyncIterable<T>): AsyncGenerator<T, undefined> {
      open.add(name);
      try {
        yield* items;
      } finally {
        open.delete(name);
      }
    }
    const stop = new AbortController();
    const stopped = verify(
      {
        ...evidence,
        entries: () => watched('entries', evidence.entries()),
        checkpoints: () => watched('checkpoints', evidence.checkpoints()),
      },
      {
        signal: stop.signal,
        onProgress: (entries) => {
          if (entries <= 512) return;
          expect([...open]).toEqual(['entries', 'checkpoints']);
          stop.abort(new Error('enough'));
        },
      },
    );
    await expect(stopped).rejects.toThrow('enough');
    expect([...open]).toEqual([]);
  });
});

describe('entries that wait to be signed', () => {
  it('fail where all are asked to be signed, and are named', async () => {
    const trail = new MemoryTrail(700, [1, 300]);
    expect(failures(await verify(trail, { requireSigned: true }))).toEqual([
      ['coverage', 'not_covered', 300, 699],
    ]);
    expect((await verify(trail, { requireSigned: true })).code).toBe('not_covered');
    expect(failures(await verify(trail))).toEqual([]);
    expect(failures(await verify(new MemoryTrail(300, [1, 300]), { requireSigned: true }))).toEqual([]);
    expect(failures(await verify(new MemoryTrail(0, []), { requireSigned: true }))).toEqual([]);
  });
});

describe('identity', () => {
  it('origin and key are those of the policy', async () => {
    const trail = new MemoryTrail(700, SIZES);
    expect(failures(await verify(trail, { origin: ORIGIN }))).toEqual([]);
    expect(failures(await verify(trail, { origin: 'audit.example/other' }))).toContainEqual([
      'identity',
      'key_unknown',
    ]);
    trail.vkey = generateKey(ORIGIN, new Uint8Array(32).fill(2)).vkey;
    expect(failures(await verify(trail))).toEqual([['identity', 'key_unknown']]);
    trail.origin = 'audit.example/other';
    expect(failures(await verify(trail))).toContainEqual(['identity', 'key_unknown']);
  });
});

describe('content', () => {
  it('names entries of another trail, out of time, and that are none', async () => {
    const trail = new MemoryTrail(700, []);
    trail.entries[10] = entryBytes(10, { trail: 'other' });
    trail.entries[20] = entryBytes(20, { receivedAt: '2025-12-31T23:59:59.999Z' });
    trail.entries[30] = new Uint8Array(0);
    trail.entries[40] = entryBytes(40, { receivedAt: 'not an entry' });
    trail.checkpoints = [{ size: 700, note: noteAt(trail.rebuildTiles(), 700) }];
    const inspect = (entry: Uint8Array) => {
      const facts = JSON.parse(new TextDecoder().decode(entry));
      return facts.receivedAt === 'not an entry' ? undefined : facts;
    };
    expect(failures(await verify(trail, { inspectEntry: inspect }))).toEqual([
      ['content', 'inserted_or_reordered', 10, 10],
      ['content', 'inserted_or_reordered', 20, 20],
      ['content', 'unreadable', 30, 40],
    ]);
  });
});

describe('witnesses', () => {
  const w1 = createCosigner(generateKey('w1.example', new Uint8Array(32).fill(3), 4).skey);
  const w2 = createCosigner(generateKey('w2.example', new Uint8Array(32).fill(4), 4).skey);
  const witnessed = parsePolicy(
    `log ${logKey.vkey}\nwitness a ${w1.vkey}\nwitness b ${w2.vkey}\ngroup g 2 a b\nquorum g\n`,
  );
  const cosigned = (trail: MemoryTrail, at: number, signers: (typeof w1)[]) => {
    const i = trail.checkpoints.findIndex(({ size }) => size === at);
    const note = noteAt(trail.tree(), at, [logSigner, ...signers.map((signer) => signer.at(1000))]);
    trail.checkpoints[i] = { size: at, note };
  };

  it('the assurance says how many of how many, and up to where', async () => {
    const trail = new MemoryTrail(700, SIZES);
    cosigned(trail, 300, [w1, w2]);
    const verdict = await verify(trail, { policy: witnessed });
    expect(verdict.ok).toBe(true);
    expect(verdict.assurance.witnessed).toEqual({ have: 2, need: 2, size: 300 });
    expect(verdict.checks).toContainEqual(
      expect.objectContaining({ check: 'witnesses', status: 'not_covered', firstIndex: 300, lastIndex: 699 }),
    );
    cosigned(trail, 700, [w1, w2]);
    trail.published = undefined;
    expect(statusOf(await verify(trail, { policy: witnessed }), 'witnesses')).toBe('passed');
  });

  it('that lag behind fail where all but the newest entries are asked to be witnessed', async () => {
    const trail = new MemoryTrail(700, SIZES);
    cosigned(trail, 300, [w1, w2]);
    // Entry i was received at millisecond i of 2026.
    const at = (ms: number) => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();
    const behind = async (from: number, to: number, options: Partial<VerifyTrailOptions> = {}) =>
      failures(
        await verify(trail, {
          policy: witnessed,
          requireWitnessed: { from: at(from), to: at(to) },
          ...options,
        }),
      );
    expect(await behind(300, 699)).toEqual([]);
    expect(await behind(0, 699)).toEqual([]);
    expect(await behind(301, 699)).toEqual([['witnesses', 'not_witnessed', 300, 300]]);
    expect(await behind(1000, 2000)).toEqual([['witnesses', 'not_witnessed', 300, 699]]);
    // Times in the future are no excuse, nor is what has none.
    expect(await behind(0, 500)).toEqual([['witnesses', 'not_witnessed', 300, 699]]);
    expect(await behind(0, 699, { inspectEntry: undefined as never })).toEqual([
      ['witnesses', 'not_witnessed', 300, 699],
    ]);
    expect(await behind(0, 699, { inspectEntry: () => undefined })).toContainEqual([
      'witnesses',
      'not_witnessed',
      300,
      699,
    ]);
    cosigned(trail, 700, [w1, w2]);
    trail.published = undefined;
    expect(await behind(1000, 2000)).toEqual([]);
  });

  it('are asked for in vain where the policy has none, or nothing is witnessed', async () => {
    const requireWitnessed = { from: '2026-01-01T00:00:00.000Z', to: '2026-01-02T00:00:00.000Z' };
    const trail = new MemoryTrail(700, SIZES);
    const found = [['witnesses', 'not_witnessed']];
    expect(failures(await verify(trail, { requireWitnessed }))).toEqual(found);
    expect(failures(await verify(trail, { requireWitnessed, policy: witnessed }))).toEqual(found);
    expect(failures(await verify(new MemoryTrail(0, []), { requireWitnessed }))).toEqual([]);
  });

  it('too few cosignatures fail', async () => {
    const trail = new MemoryTrail(700, SIZES);
    cosigned(trail, 700, [w1]);
    trail.published = undefined;
    const verdict = await verify(trail, { policy: witnessed });
    expect(failures(verdict)).toEqual([['witnesses', 'not_witnessed']]);
    expect(verdict.assurance.witnessed).toEqual({ have: 1, need: 2, size: 700 });
    expect((await verify(new MemoryTrail(5, []), { policy: witnessed })).assurance.witnessed).toEqual({
      have: 0,
      need: 2,
      size: 0,
    });
    expect(failures(await verify(new MemoryTrail(0, []), { policy: witnessed }))).toEqual([]);
  });

  it('cosignatures of a kind that is not supported are mentioned', async () => {
    const trail = new MemoryTrail(700, [700]);
    const note = addSignatures(trail.published!, [
      { name: 'pq.example', keyId: '01020304', signature: new Uint8Array(2428) },
    ]);
    trail.checkpoints = [{ size: 700, note }];
    trail.published = undefined;
    const verdict = await verify(trail, { policy: witnessed });
    expect(verdict.checks[0]!.message).toContain('ML-DSA-44');
  });
});

describe('what the store found', () => {
  it('is a failure like any other', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.faults = [
      { check: 'event ids', code: 'modified', firstIndex: 5, message: 'the id of entry 5 is filed under 6' },
    ];
    const verdict = await verify(trail);
    expect(failures(verdict)).toEqual([['event ids', 'modified', 5, undefined]]);
    expect(statusOf(verdict, 'store')).toBeUndefined();
  });
});
