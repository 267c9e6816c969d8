import { hash } from 'node:crypto';
import {
  bundlePath,
  CompactRange,
  createTreeHasher,
  decodeBundle,
  type GetNode,
  HASH_BYTES,
  hashInTile,
  openCheckpoint,
  parsePolicy,
  partialWidth,
  proveConsistency,
  proveInclusion,
  rootAt,
  TILE_WIDTH,
  type Trail,
  tileOfNode,
  tilePath,
  verifierFromVkey,
  verifyConsistency,
  verifyEntry,
  verifyInclusion,
} from '@sealtrail/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, problemOf, startServer, type TestServer } from './support/server.ts';

const hasher = createTreeHasher((data) => Uint8Array.from(hash('sha256', data, 'buffer')));

/** Sees of a trail what is served over HTTP and knows its key: nothing else. */
class TileClient {
  readonly #server: TestServer;
  readonly #token: string;
  readonly trail: string;
  readonly vkey: string;
  readonly #tiles: Map<string, Uint8Array> = new Map();

  constructor(server: TestServer, token: string, { name, vkey }: Trail) {
    this.#server = server;
    this.#token = token;
    this.trail = name;
    this.vkey = vkey;
  }

  get(path: string): Promise<Answer> {
    return this.#server.send(`/trails/${this.trail}/${path}`, { token: this.#token });
  }

  async bytes(path: string): Promise<Uint8Array> {
    const response = await fetch(`${this.#server.url}/trails/${this.trail}/${path}`, {
      headers: { authorization: `Bearer ${this.#token}` },
    });
    if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  }

  async checkpoint(): Promise<{ size: number; root: Uint8Array; note: string }> {
    const { text } = await this.get('checkpoint');
    const { size, root } = openCheckpoint(text, [verifierFromVkey(this.vkey)]).checkpoint;
    return { size, root, note: text };
  }

  /** Fetches all hash tiles of a size and gives its nodes. */
  async nodes(size: number): Promise<GetNode> {
    for (let level = 0; size >= TILE_WIDTH ** level; level++) {
      for (let n = 0; partialWidth(level, n, size) > 0; n++) {
        const width = partialWidth(level, n, size);
        this.#tiles.set(`${size} ${level}/${n}`, await this.bytes(tilePath(level, n, width)));
        expect(this.#tiles.get(`${size} ${level}/${n}`)?.length).toBe(width * HASH_BYTES);
      }
    }
    return (level, index) => {
      const tile = tileOfNode(level, index);
      return hashInTile(
        this.#tiles.get(`${size} ${tile.level}/${tile.n}`)!,
        tile.nodeLevel,
        tile.nodeIndex,
        hasher,
      );
    };
  }

  /** Fetches all entries of a size. */
  async entries(size: number): Promise<Uint8Array[]> {
    const entries: Uint8Array[] = [];
    for (let n = 0; entries.length < size; n++)
      entries.push(...decodeBundle(await this.bytes(bundlePath(n, partialWidth(0, n, size)))));
    return entries;
  }
}

let server: TestServer;
let token: string;
beforeAll(async () => {
  // Checkpoints only when they are asked for.
  server = await startServer({ publishEveryMs: 3_600_000 });
  token = (await server.token({ role: 'read' })).secret;
});
afterAll(() => server[Symbol.asyncDispose]());

async function clientOf(trail: string): Promise<TileClient> {
  if (!server.engine.log.trail(trail)) await server.engine.log.createTrail(trail);
  const { trails } = await server.json<{ trails: Trail[] }>('/v1/trails', { token });
  return new TileClient(server, token, trails.find(({ name }) => name === trail)!);
}

async function grow(trail: string, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 10_000)
    await server.record(
      Array.from({ length: Math.min(10_000, count - sent) }, (_, i) => ({
        trail,
        action: 'a',
        metadata: { n: sent + i },
      })),
    );
  await server.engine.log.publish(trail);
}

describe('a client that has nothing but the key of a trail', () => {
  // Around the widths of tiles and bundles, and beyond two levels of tiles.
  it.each([1, 255, 256, 257, 700, 65_536 + 300])('rebuilds a tree of %i entries', async (count) => {
    const client = await clientOf(`size-${count}`);
    await grow(client.trail, count);
    const { size, root, note } = await client.checkpoint();
    expect(size).toBe(count);

    const node = await client.nodes(size);
    expect(rootAt(size, node, hasher)).toEqual(root);

    const range = new CompactRange(hasher);
    const entries = await client.entries(size);
    for (const [i, entry] of entries.entries()) {
      const leafHash = hasher.leafHash(entry);
      if (i % 97 === 0) expect(node(0, i)).toEqual(leafHash);
      range.append(leafHash);
    }
    expect(range.root()).toEqual(root);

    for (const index of [0, size >> 1, size - 1]) {
      const proof = proveInclusion(index, size, node, hasher);
      verifyInclusion(index, size, hasher.leafHash(entries[index]!), proof, root, hasher);
      const { id } = JSON.parse(Buffer.from(entries[index]!).toString());
      const { text } = await server.send(`/v1/events/${id}/proof?trail=${client.trail}`, { token });
      expect(text).toContain(note);
      const policy = parsePolicy(`log ${client.vkey}\nquorum none\n`);
      expect(verifyEntry(entries[index]!, text, { policy })).toMatchObject({
        ok: true,
        code: 'intact',
        index,
      });
    }
  });

  it('sees that a trail has only grown, and still reads what it was', async () => {
    const client = await clientOf('growing');
    let before = await client.checkpoint();
    let nodeBefore = await client.nodes(before.size);
    expect(before.size).toBe(0);
    for (const count of [3, 250, 10, 500]) {
      await grow(client.trail, count);
      const now = await client.checkpoint();
      const node = await client.nodes(now.size);
      if (before.size > 0) {
        const proof = proveConsistency(before.size, now.size, node, hasher);
        verifyConsistency(before.size, now.size, before.root, now.root, proof, hasher);
        // Tiles of the earlier size, narrower than those there are now.
        expect(rootAt(before.size, await client.nodes(before.size), hasher)).toEqual(before.root);
        expect(rootAt(before.size, nodeBefore, hasher)).toEqual(before.root);
        expect(await client.entries(before.size)).toHaveLength(before.size);
      }
      [before, nodeBefore] = [now, node];
    }
  });

  it('reads trails of any name, such as tile', async () => {
    const client = await clientOf('tile');
    await grow(client.trail, 3);
    const { size, root } = await client.checkpoint();
    expect(rootAt(size, await client.nodes(size), hasher)).toEqual(root);
    expect(await client.entries(size)).toHaveLength(3);
  });
});

describe('what no checkpoint covers', () => {
  it('is not served', async () => {
    const client = await clientOf('ahead');
    await grow(client.trail, 10);
    await server.record(Array.from({ length: 600 }, () => ({ trail: client.trail, action: 'later' })));
    expect(server.size(client.trail)).toBe(610);
    expect((await client.checkpoint()).size).toBe(10);
    for (const path of [
      tilePath(0, 0),
      tilePath(0, 0, 11),
      tilePath(1, 0, 1),
      tilePath(0, 1, 1),
      bundlePath(0),
      bundlePath(0, 11),
      bundlePath(1, 1),
    ]) {
      const problem = problemOf(await client.get(path));
      expect([path, problem.status, problem.code]).toEqual([path, 404, 'not_yet_checkpointed']);
    }
    expect(await client.entries(10)).toHaveLength(10);
    await server.engine.log.publish(client.trail);
    expect((await client.bytes(bundlePath(0))).length).toBeGreaterThan(0);
  });

  it('is covered by the checkpoint of a proof that is asked for', async () => {
    const client = await clientOf('asked');
    await grow(client.trail, 10);
    const { receipts } = await server.record({ trail: client.trail, action: 'later' });
    const [{ id, index } = { id: '', index: -1 }] = receipts;
    const { text } = await server.send(`/v1/events/${id}/proof?trail=${client.trail}`, { token });
    const policy = parsePolicy(`log ${client.vkey}\nquorum none\n`);
    const entry = server.engine.reader.entries(client.trail, index, index + 1)[0]!;
    expect(verifyEntry(entry, text, { policy })).toMatchObject({ ok: true, index: 10 });
    expect((await client.checkpoint()).size).toBe(11);
  });
});

describe('caches', () => {
  it('may keep full tiles for ever, and nothing else', async () => {
    const client = await clientOf('cached');
    await grow(client.trail, 300);
    const cacheOf = async (path: string): Promise<string | null> =>
      (await client.get(path)).headers.get('cache-control');
    for (const path of [tilePath(0, 0), bundlePath(0)])
      expect(await cacheOf(path)).toMatch(/^private, .*immutable$/);
    for (const path of [tilePath(0, 1, 44), tilePath(0, 0, 5), bundlePath(1, 44), 'checkpoint'])
      expect(await cacheOf(path)).toBe('no-cache');
    expect(await cacheOf(tilePath(0, 1))).toBe('no-store');
  });
});

describe('an address of a tile that is none', () => {
  beforeAll(() => clientOf('paths').then(({ trail }) => grow(trail, 300)));

  it.each([
    ...[
      'tile',
      'tile/',
      'tile/0',
      'tile/0/',
      'tile/000',
      'tile/x/000',
      'tile/-1/000',
      'tile/00/000',
      'tile/64/000',
    ],
    ...[
      'tile/0/0',
      'tile/0/00',
      'tile/0/0000',
      'tile/0/00x',
      'tile/0/000/',
      'tile/0/x000/000',
      'tile/0/000/000',
    ],
    ...[
      'tile/0/000.p',
      'tile/0/000.p/',
      'tile/0/000.p/0',
      'tile/0/000.p/01',
      'tile/0/000.p/256',
      'tile/0/000.p/-1',
    ],
    ...[
      'tile/0/000.p/1/1',
      'tile/0/000.q/1',
      'tile/entries',
      'tile/entries/',
      'tile/entries/0',
      'tile/entries/000.p/256',
    ],
    ...[
      'tile/data/000',
      'tile/0/%30%30%30',
      'tile/0/..%2f000',
      'tile/0/000%00',
      `tile/0/${'x999/'.repeat(10)}999`,
    ],
    'Tile/0/000',
  ])('such as %s is answered with not_found', async (path) => {
    const problem = problemOf(await server.send(`/trails/paths/${path}`, { token }));
    expect([problem.status, problem.code]).toEqual([404, 'not_found']);
  });

  it.each([
    'tile/0/999',
    'tile/5/000',
    'tile/63/000',
    'tile/0/x009/007/199/254/740/991',
    'tile/entries/002',
    'tile/1/000',
  ])('or such as %s, where nothing is yet, with 404', async (path) => {
    expect(problemOf(await server.send(`/trails/paths/${path}`, { token })).status).toBe(404);
  });
});
