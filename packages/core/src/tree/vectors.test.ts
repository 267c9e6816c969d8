import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeBase64, encodeBase64 } from '../checkpoint/base64.ts';
import { codeOf } from '../testing/code-of.ts';
import { MemoryTree } from '../testing/memory-tree.ts';
import { decodeBundle, encodeBundle } from './bundle.ts';
import { CompactRange } from './compact-range.ts';
import { createTreeHasher, equalBytes } from './hash.ts';
import { proveConsistency, proveInclusion, rootAt, verifyConsistency, verifyInclusion } from './proof.ts';
import { bundlePath, hashInTile, parseTilePath, partialWidth, tileOfNode, tilePath } from './tile.ts';

const root = new URL('../../../../', import.meta.url);
const shared = new URL('../shared/vectors/tlog/', root);
const absent = !existsSync(shared);
const read = (url: URL) => JSON.parse(readFileSync(url, 'utf8'));
const bytes = (base64: string) => decodeBase64(base64)!;
const utf8 = (text: string) => new TextEncoder().encode(text);
const sha256Hex = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
const hasher = createTreeHasher();

interface OwnLog {
  roots: { size: number; rootBase64: string }[];
  inclusion: { treeSize: number; index: number; leafHash: string; proof: string[] }[];
  consistency: { oldSize: number; newSize: number; proof: string[] }[];
  tiles: { treeSize: number; level: number; index: number; width: number; path: string; sha256: string }[];
  bundles: { index: number; width: number; sha256: string; firstBytesHex: string }[];
}

// Made for this project and cross-checked with golang.org/x/mod sumdb/tlog, as the file says.
describe('a log of 70,000 entries (own-log-70000.json)', () => {
  const log: OwnLog = read(new URL('vectors/own-log-70000.json', root));
  const entry = (i: number) => utf8(`event ${i}`);
  const tree = new MemoryTree(createTreeHasher((data) => createHash('sha256').update(data).digest()));
  for (let i = 0; i < 70_000; i++) tree.append(entry(i));

  it('has the roots', () => {
    for (const { size, rootBase64 } of log.roots)
      expect(encodeBase64(rootAt(size, tree.getNode, tree.hasher))).toBe(rootBase64);
    expect(tree.root()).toEqual(rootAt(70_000, tree.getNode, tree.hasher));
  });

  it('has the inclusion proofs', () => {
    for (const { treeSize, index, leafHash, proof } of log.inclusion) {
      const made = proveInclusion(index, treeSize, tree.getNode, tree.hasher);
      expect(made.map(encodeBase64)).toEqual(proof);
      expect(encodeBase64(hasher.leafHash(entry(index)))).toBe(leafHash);
      const rootHash = rootAt(treeSize, tree.getNode, tree.hasher);
      verifyInclusion(index, treeSize, bytes(leafHash), proof.map(bytes), rootHash, hasher);
    }
  });

  it('has the consistency proofs', () => {
    for (const { oldSize, newSize, proof } of log.consistency) {
      expect(proveConsistency(oldSize, newSize, tree.getNode, tree.hasher).map(encodeBase64)).toEqual(proof);
      const [oldRoot, newRoot] = [oldSize, newSize].map((size) => rootAt(size, tree.getNode, tree.hasher));
      verifyConsistency(oldSize, newSize, oldRoot!, newRoot!, proof.map(bytes), hasher);
    }
  });

  it('has the tiles', () => {
    for (const { treeSize, level, index, width, path, sha256 } of log.tiles) {
      expect(partialWidth(level, index, treeSize)).toBe(width);
      expect(tilePath(level, index, width)).toBe(path);
      expect(parseTilePath(path)).toEqual({ kind: 'hash', level, n: index, width });
      expect(sha256Hex(tree.tile(level, index, treeSize))).toBe(sha256);
    }
  });

  it('has the entry bundles', () => {
    for (const { index, width, sha256, firstBytesHex } of log.bundles) {
      const entries = Array.from({ length: width }, (_, i) => entry(index * 256 + i));
      const bundle = encodeBundle(entries);
      expect(sha256Hex(bundle)).toBe(sha256);
      expect(Buffer.from(bundle).toString('hex').startsWith(firstBytesHex)).toBe(true);
      expect(decodeBundle(bundle)).toEqual(entries);
    }
  });

  it('gives every node of its upper levels from tiles alone', () => {
    for (let level = 9; level <= 16; level++)
      for (let index = 0; (index + 1) * 2 ** level <= tree.size; index++) {
        const at = tileOfNode(level, index);
        expect(
          equalBytes(
            hashInTile(tree.tile(at.level, at.n), level, index, tree.hasher),
            tree.getNode(level, index),
          ),
        ).toBe(true);
      }
  });
});

describe.skipIf(absent)('shared RFC 6962 vectors (skipped where the shared folder is absent)', () => {
  const file = (name: string) => read(new URL(name, shared));

  it('reference tree: every node and root', () => {
    const { leafInputs, nodeHashesByLevel, rootHashBySize } = file('rfc6962-reference-tree.json') as {
      leafInputs: string[];
      nodeHashesByLevel: string[][];
      rootHashBySize: string[];
    };
    const nodes = new Map<string, string>();
    const range = new CompactRange(hasher);
    const roots = [range.root()];
    for (const input of leafInputs) {
      range.append(hasher.leafHash(new Uint8Array(Buffer.from(input, 'hex'))), (level, index, hash) =>
        nodes.set(`${level}/${index}`, Buffer.from(hash).toString('hex')),
      );
      roots.push(range.root());
    }
    expect(roots.map((hash) => Buffer.from(hash).toString('hex'))).toEqual(rootHashBySize);
    for (const [level, hashes] of nodeHashesByLevel.entries())
      for (const [index, hash] of hashes.entries()) expect(nodes.get(`${level}/${index}`)).toBe(hash);
  });

  it('inclusion proofs: accepts the right ones and refuses all others', () => {
    interface Case {
      leafIdx: number;
      treeSize: number;
      root: string;
      leafHash: string;
      proof: string[] | null;
      desc: string;
      wantErr: boolean;
    }
    const { cases } = file('rfc6962-inclusion-proofs.json') as { cases: Case[] };
    expect(cases.length).toBeGreaterThan(90);
    for (const { leafIdx, treeSize, root: rootHash, leafHash, proof, desc, wantErr } of cases) {
      const code = codeOf(() =>
        verifyInclusion(
          leafIdx,
          treeSize,
          bytes(leafHash),
          (proof ?? []).map(bytes),
          bytes(rootHash),
          hasher,
        ),
      );
      expect(code, desc).toBe(wantErr ? 'invalid_proof' : undefined);
    }
  });

  it('consistency proofs: accepts the right ones and refuses all others', () => {
    interface Case {
      size1: number;
      size2: number;
      root1: string;
      root2: string;
      proof: string[] | null;
      desc: string;
      wantErr: boolean;
    }
    const { cases } = file('rfc6962-consistency-proofs.json') as { cases: Case[] };
    expect(cases.length).toBeGreaterThan(90);
    for (const { size1, size2, root1, root2, proof, desc, wantErr } of cases) {
      const code = codeOf(() =>
        verifyConsistency(size1, size2, bytes(root1), bytes(root2), (proof ?? []).map(bytes), hasher),
      );
      // One case has 12 bytes of text for roots and expects them to be equal; here a root has 32 bytes.
      const noHash = bytes(root1).length !== 32;
      expect(code, desc).toBe(wantErr || noHash ? 'invalid_proof' : undefined);
    }
  });
});

describe.skipIf(absent)('shared tile vectors (skipped where the shared folder is absent)', () => {
  interface TileVectors {
    entriesPathForIndex: { index: number; treeSize: number; path: string }[];
    tilePath: { level: number; index: number; width: number; path: string }[];
    parse: Record<'valid', { level: string; path: string; index: string; width: number }[]> &
      Record<'invalid', { level: string; path: string }[]>;
    nodeToTile: Record<
      'treeLevel' | 'treeIndex' | 'tileLevel' | 'tileIndex' | 'nodeLevelInTile' | 'nodeIndexInTile',
      number
    >[];
  }
  const load = (): TileVectors => read(new URL('tile-paths.json', shared));

  it('writes the paths', () => {
    for (const { index, treeSize, path } of load().entriesPathForIndex) {
      const n = Math.floor(index / 256);
      expect(bundlePath(n, partialWidth(0, n, treeSize))).toBe(path);
    }
    for (const { level, index, width, path } of load().tilePath)
      expect(tilePath(level, index, width || 256)).toBe(path);
  });

  it('reads the valid paths and refuses the others', () => {
    for (const { level, path, index, width } of load().parse.valid) {
      const parse = () => parseTilePath(`tile/${level}/${path}`);
      // One index of the vectors is beyond 2^53-1, where this implementation ends.
      if (Number.isSafeInteger(Number(index)))
        expect(parse()).toEqual({
          kind: 'hash',
          level: Number(level),
          n: Number(index),
          width: width || 256,
        });
      else expect(codeOf(parse)).toBe('not_found');
    }
    for (const { level, path } of load().parse.invalid)
      expect(
        codeOf(() => parseTilePath(`tile/${level}/${path}`)),
        path,
      ).toBe('not_found');
  });

  it('finds the tile of a node', () => {
    for (const c of load().nodeToTile)
      expect(tileOfNode(c.treeLevel, c.treeIndex)).toEqual({
        level: c.tileLevel,
        n: c.tileIndex,
        nodeLevel: c.nodeLevelInTile,
        nodeIndex: c.nodeIndexInTile,
      });
  });

  it("rebuilds every tile and bundle of Tessera's test log", () => {
    const log = read(new URL('tessera-testdata-log.json', shared)) as {
      entriesUtf8: string[];
      resourcesBase64: Record<string, string>;
    };
    const tree = new MemoryTree();
    for (const entry of log.entriesUtf8) tree.append(utf8(entry));
    const paths = Object.entries(log.resourcesBase64);
    expect(paths).toHaveLength(30);
    for (const [path, content] of paths) {
      const resource = parseTilePath(path);
      const made =
        resource.kind === 'hash'
          ? tree.tile(resource.level, resource.n, resource.width)
          : encodeBundle(log.entriesUtf8.slice(0, resource.width).map(utf8));
      expect(encodeBase64(made)).toBe(content);
    }
  });
});
