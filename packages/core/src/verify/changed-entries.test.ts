import { describe, expect, it } from 'vitest';
import { entryBytes, MemoryTrail } from '../testing/memory-trail.ts';
import { failures, SIZES, statusOf, verify } from '../testing/verdicts.ts';

describe('changed entries', () => {
  it('a changed entry is named when the stored hashes are intact', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.entries[301] = entryBytes(301, { receivedAt: '2026-01-01T00:00:00.302Z' });
    const verdict = await verify(trail);
    expect(failures(verdict)).toContainEqual(['entries', 'modified', 301, 301]);
    expect(verdict).toMatchObject({ ok: false, code: 'modified', coveredSize: 700 });
    expect(verdict.ranges).toEqual([
      { first: 0, last: 300, code: 'intact' },
      { first: 301, last: 301, code: 'modified' },
      { first: 302, last: 699, code: 'intact' },
    ]);
  });

  it.each([
    ['lowered', '2025-01-01T00:00:00.301Z'],
    ['raised', '2027-01-01T00:00:00.301Z'],
    ['made unreadable', undefined],
  ])('a receive time that is %s is a changed entry, and no neighbour is blamed', async (_, receivedAt) => {
    for (const index of [0, 255, 256, 301, 699]) {
      const trail = new MemoryTrail(700, SIZES);
      trail.entries[index] =
        receivedAt === undefined ? new Uint8Array([0xff]) : entryBytes(index, { receivedAt });
      const verdict = await verify(trail);
      expect(failures(verdict)).toEqual([['entries', 'modified', index, index]]);
      expect(verdict.code).toBe('modified');
    }
  });

  it('a trail name changed in an entry is a changed entry', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.entries[301] = entryBytes(301, { trail: 'mein' });
    expect(failures(await verify(trail))).toEqual([['entries', 'modified', 301, 301]]);
  });

  it('each of several changed entries is found, also between different checkpoints', async () => {
    const trail = new MemoryTrail(700, SIZES);
    for (const i of [0, 299, 512, 699]) trail.entries[i] = entryBytes(10_000 + i);
    const verdict = await verify(trail, { inspectEntry: () => ({ trail: 'main', receivedAt: '' }) });
    expect(verdict.ranges.filter(({ code }) => code === 'modified')).toEqual(
      [0, 299, 512, 699].map((i) => ({ first: i, last: i, code: 'modified' })),
    );
    expect(failures(verdict)).toEqual([['entries', 'modified', 0, 699]]);
  });

  it('an entry changed together with its leaf hash is found between two checkpoints', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.entries[301] = entryBytes(301, { receivedAt: '2026-01-01T00:00:00.302Z' });
    trail.tiles.set('0/1', trail.tree().tile(0, 1));
    const verdict = await verify(trail);
    expect(failures(verdict)).toEqual([
      ['checkpoints', 'modified'],
      ['entries', 'modified', 300, 511],
      ['published', 'modified'],
      ['tiles', 'modified', 256, 511],
    ]);
    expect(verdict.coveredSize).toBe(300);
    expect(verdict.ranges).toEqual([
      { first: 0, last: 299, code: 'intact' },
      { first: 300, last: 511, code: 'modified' },
      { first: 512, last: 699, code: 'not_covered' },
    ]);
  });

  it('a history rewritten with all its hashes is found between two checkpoints', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.entries[50] = entryBytes(50, { receivedAt: '2026-01-01T00:00:00.051Z' });
    trail.rebuildTiles();
    expect(failures(await verify(trail))).toEqual([
      ['checkpoints', 'modified'],
      ['entries', 'modified', 1, 99],
      ['published', 'modified'],
    ]);
  });

  it('without stored hashes a changed entry is found between two checkpoints', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.hasTiles = false;
    trail.entries[600] = entryBytes(0);
    expect(failures(await verify(trail))).toContainEqual(['entries', 'modified', 512, 699]);
  });

  it('entry and hash that disagree after the last checkpoint are a failure that names no side', async () => {
    const trail = new MemoryTrail(700, [300]);
    trail.entries[650] = entryBytes(650, { receivedAt: '2026-01-01T00:00:00.651Z' });
    expect(failures(await verify(trail))).toEqual([['entries', 'modified', 650, 650]]);
  });
});

describe('missing, inserted and reordered entries', () => {
  it('an entry taken out of a bundle is named, and what moved up is named too', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.batches = trail.bundles();
    trail.batches[1] = {
      start: 256,
      entries: [...trail.entries.slice(256, 400), ...trail.entries.slice(401, 512)],
    };
    const verdict = await verify(trail);
    expect(verdict.code).toBe('missing');
    expect(failures(verdict)).toEqual([
      ['entries', 'inserted_or_reordered', 400, 510],
      ['entries', 'missing', 400, 400],
    ]);
  });

  it('an entry taken out, with all later ones moved up by one, is named', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.entries.splice(400, 1);
    const verdict = await verify(trail);
    expect(verdict.code).toBe('missing');
    expect(failures(verdict)).toContainEqual(['entries', 'missing', 400, 400]);
    expect(failures(verdict)).toContainEqual(['entries', 'truncated', 699, 699]);
  });

  it('an entry taken out of the last block is named as far as stored hashes lead to a signed root', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.entries.splice(600, 1);
    const verdict = await verify(trail);
    expect(verdict.code).toBe('missing');
    expect(failures(verdict)).toEqual(
      expect.arrayContaining([
        ['entries', 'missing', 600, 600],
        ['entries', 'inserted_or_reordered', 600, 698],
        ['entries', 'truncated', 699, 699],
      ]),
    );
    trail.flipHash(0, 2, 187);
    expect(failures(await verify(trail))).toEqual(
      expect.arrayContaining([
        ['entries', 'modified', 600, 698],
        ['entries', 'truncated', 699, 699],
      ]),
    );
    trail.entries.splice(520, 100);
    trail.batches = [...trail.bundles(0, 256), ...trail.bundles(512)];
    trail.tiles.delete('0/1');
    expect((await verify(trail)).code).toBe('missing');
  });

  it('an entry put in, with all later ones moved down by one, is named', async () => {
    const trail = new MemoryTrail(700, [...SIZES]);
    trail.entries.splice(400, 0, entryBytes(5000, { receivedAt: '2026-01-01T00:00:00.399Z' }));
    const verdict = await verify(trail);
    expect(verdict.code).toBe('inserted_or_reordered');
    expect(failures(verdict)[0]).toEqual(['entries', 'inserted_or_reordered', 400, 699]);
  });

  it('two entries exchanged are named, and none is missing', async () => {
    const trail = new MemoryTrail(700, SIZES);
    [trail.entries[200], trail.entries[300]] = [trail.entries[300]!, trail.entries[200]!];
    const verdict = await verify(trail);
    expect(verdict.ranges.filter(({ code }) => code !== 'intact')).toEqual([
      { first: 200, last: 200, code: 'inserted_or_reordered' },
      { first: 300, last: 300, code: 'inserted_or_reordered' },
    ]);
    expect(failures(verdict).filter(([check]) => check === 'entries')).toEqual([
      ['entries', 'inserted_or_reordered', 200, 300],
    ]);
  });

  it('an entry overwritten by a copy of another one is missing', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.entries[7] = trail.entries[5]!;
    expect(failures(await verify(trail))).toEqual(
      expect.arrayContaining([
        ['entries', 'inserted_or_reordered', 7, 7],
        ['entries', 'missing', 7, 7],
      ]),
    );
  });

  it('a missing bundle is named; the rest still verifies against the stored hashes', async () => {
    const trail = new MemoryTrail(1100, [1, 300, 700, 1100]);
    trail.batches = trail.bundles().filter(({ start }) => start !== 256);
    const verdict = await verify(trail);
    expect(failures(verdict)).toEqual([['entries', 'missing', 256, 511]]);
    expect(verdict.coveredSize).toBe(1100);
    expect(verdict.ranges).toContainEqual({ first: 512, last: 1099, code: 'intact' });
  });

  it('missing entries in the middle of a bundle are named', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.batches = [...trail.bundles(0, 310), ...trail.bundles(320)];
    expect(failures(await verify(trail))).toEqual([['entries', 'missing', 310, 319]]);
  });

  it('entries missing together with their hashes end the comparison with checkpoints', async () => {
    const trail = new MemoryTrail(1100, [1, 200, 700, 1100]);
    trail.remembered = trail.checkpoints[3]!.note;
    trail.batches = trail.bundles().filter(({ start }) => start !== 256 && start !== 512);
    trail.tiles.delete('0/1');
    const verdict = await verify(trail);
    expect(failures(verdict)).toEqual([['entries', 'missing', 256, 767]]);
    expect(verdict.coveredSize).toBe(200);
    for (const check of ['checkpoints', 'published', 'remembered'])
      expect(statusOf(verdict, check)).toBe('skipped');
  });

  it('every hole is named, also after the comparison has ended', async () => {
    const trail = new MemoryTrail(1100, [1100]);
    trail.hasTiles = false;
    trail.batches = [...trail.bundles(0, 100), ...trail.bundles(110, 300), ...trail.bundles(310)];
    const verdict = await verify(trail);
    expect(verdict.ranges.filter(({ code }) => code === 'missing')).toEqual([
      { first: 100, last: 109, code: 'missing' },
      { first: 300, last: 309, code: 'missing' },
    ]);
  });

  it('an unreadable bundle is named with the reason, and the rest still verifies', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.batches = trail.bundles();
    trail.batches[1] = { start: 256, count: 256, unreadable: 'corrupt compression' };
    const verdict = await verify(trail);
    expect(failures(verdict)).toEqual([['entries', 'unreadable', 256, 511]]);
    expect(verdict.checks[0]!.message).toContain('corrupt compression');
    expect(verdict.coveredSize).toBe(700);
  });

  it('an unreadable bundle without hashes ends the comparison', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.hasTiles = false;
    trail.batches = trail.bundles();
    trail.batches[1] = { start: 256, count: 256, unreadable: 'gone' };
    expect(failures(await verify(trail))).toEqual([['entries', 'unreadable', 256, 511]]);
    trail.batches = [
      ...trail.bundles(0, 300),
      { start: 300, count: 12, unreadable: 'gone' },
      ...trail.bundles(312),
    ];
    expect(failures(await verify(trail))).toEqual([['entries', 'unreadable', 300, 311]]);
  });

  it('entries stored twice are named', async () => {
    const trail = new MemoryTrail(700, SIZES);
    trail.batches = [
      ...trail.bundles(0, 512),
      { start: 500, entries: trail.entries.slice(500, 520) },
      ...trail.bundles(520),
    ];
    const verdict = await verify(trail);
    expect(failures(verdict)).toEqual([['entries', 'inserted_or_reordered', 500, 511]]);
    expect(verdict.coveredSize).toBe(700);
    trail.batches = [...trail.bundles(), { start: 10, count: 20, unreadable: 'twice' }];
    expect(failures(await verify(trail))).toEqual([['entries', 'inserted_or_reordered', 10, 29]]);
    trail.batches = [...trail.bundles(), { start: 700, count: 0, unreadable: 'nothing' }];
    expect(failures(await verify(trail))).toEqual([]);
  });
});
