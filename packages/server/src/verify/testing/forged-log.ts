import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createSigner, decodeBundle, encodeBundle, signCheckpoint, TILE_WIDTH } from '@sealtrail/core';
import { MemoryTree } from '../../../../core/src/testing/memory-tree.ts';
import type { Falsify, ServedLog } from './served-log.ts';

/** What whoever has the key of a trail signs, in the place of what follows from the entries. */
export interface Claims {
  readonly size?: number;
  readonly root?: Uint8Array;
}

/** A history of `main` as whoever has its key may invent it: signed, and served as the true one is. */
export class ForgedLog {
  readonly #tree = new MemoryTree();
  readonly #entries: readonly Uint8Array[];
  readonly #note: string;

  constructor(served: ServedLog, entries: readonly Uint8Array[], claims: Claims = {}) {
    this.#entries = entries;
    for (const entry of entries) this.#tree.append(entry);
    const signer = createSigner(readFileSync(path.join(served.dir, 'keys/main.key'), 'utf8').trim());
    const { size = entries.length, root = this.#tree.root() } = claims;
    this.#note = signCheckpoint({ origin: signer.name, size, root }, [signer]);
  }

  /** Answers with the checkpoint, bundles and tiles of this history, and with nothing where it has none. */
  readonly falsify: Falsify = (url) => {
    if (url === '/trails/main/checkpoint') return { status: 200, body: this.#note };
    const [, level, digits] = /^\/trails\/main\/tile\/(entries|\d+)\/([x\d/]+)/.exec(url) ?? [];
    if (digits === undefined) return undefined;
    const n = Number(digits.replaceAll(/[x/]/g, ''));
    const body =
      level === 'entries'
        ? encodeBundle(this.#entries.slice(n * TILE_WIDTH, (n + 1) * TILE_WIDTH))
        : this.#tree.tile(Number(level), n);
    return body.length === 0 ? { status: 404 } : { status: 200, body };
  };
}

/** The entries of a trail as its server gives them. */
export async function entriesOf(served: ServedLog, token: string, trail = 'main'): Promise<Uint8Array[]> {
  const size = served.engine.log.trail(trail)!.size;
  const entries: Uint8Array[] = [];
  for (let n = 0; n * TILE_WIDTH < size; n++) {
    const width = Math.min(size - n * TILE_WIDTH, TILE_WIDTH);
    const name = `${String(n).padStart(3, '0')}${width < TILE_WIDTH ? `.p/${width}` : ''}`;
    const response = await fetch(`${served.url}/trails/${trail}/tile/entries/${name}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    entries.push(...decodeBundle(new Uint8Array(await response.arrayBuffer())));
  }
  return entries;
}
