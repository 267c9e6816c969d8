/** Decompressed bundles that were used last, up to a number of bytes; always the very last one. */
export class BundleCache {
  readonly #maxBytes: number;
  /** In order of use: a `Map` keeps insertion order. */
  readonly #bundles: Map<string, Uint8Array> = new Map();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(trailId: number, n: number): Uint8Array | undefined {
    const key = `${trailId}/${n}`;
    const bundle = this.#bundles.get(key);
    if (bundle === undefined) return undefined;
    this.#bundles.delete(key);
    this.#bundles.set(key, bundle);
    return bundle;
  }

  add(trailId: number, n: number, bundle: Uint8Array): void {
    this.#bundles.set(`${trailId}/${n}`, bundle);
    this.#bytes += bundle.length;
    for (const [key, oldest] of this.#bundles) {
      if (this.#bytes <= this.#maxBytes || oldest === bundle) return;
      this.#bundles.delete(key);
      this.#bytes -= oldest.length;
    }
  }
}
