const magic = 0xfd2fb528;
/** The first of 16; frames of these hold what is not for the decoder. */
const skippableMagic = 0x184d2a50;

/** What is read next, with its length in bytes; numbers are little-endian. */
const parts = { magic: 4, skippedSize: 4, descriptor: 1, block: 3 } as const;

/**
 * Follows the framing of zstd data while it passes by, and nothing of its content: decoders end at the first frame that is
 * none, pass over skippable ones, and do not tell. Source: RFC 8878, section 3.1.
 */
export class ZstdFrames {
  #part: keyof typeof parts = 'magic';
  #value = 0;
  /** Bytes of the part that are in the value. */
  #read = 0;
  /** Bytes to pass over before the part. */
  #skip = 0;
  #hasChecksum = false;
  #count = 0;
  #isBroken = false;

  /** Frames that have begun, skippable ones among them. */
  get count(): number {
    return this.#count;
  }

  /** True when one frame or more have passed, each to its end, and nothing else. */
  get areComplete(): boolean {
    const isBetween = this.#part === 'magic' && this.#read === 0 && this.#skip === 0;
    return isBetween && this.#count > 0 && !this.#isBroken;
  }

  see(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && !this.#isBroken) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, chunk.length - at);
        this.#skip -= passed;
        at += passed;
        continue;
      }
      this.#value += chunk[at++]! * 2 ** (8 * this.#read++);
      if (this.#read < parts[this.#part]) continue;
      const value = this.#value;
      this.#value = this.#read = 0;
      this.#enter(value);
    }
  }

  #enter(value: number): void {
    switch (this.#part) {
      case 'magic':
        this.#count++;
        if (value === magic) this.#part = 'descriptor';
        else if (value >= skippableMagic && value < skippableMagic + 16) this.#part = 'skippedSize';
        else this.#isBroken = true;
        break;
      case 'skippedSize':
        this.#skip = value;
        this.#part = 'magic';
        break;
      case 'descriptor':
        this.#skip = headerRest(value);
        this.#hasChecksum = (value & 4) !== 0;
        this.#part = 'block';
        break;
      case 'block': {
        const isLast = (value & 1) !== 0;
        // A block of one byte that is repeated says how often in the place of its size.
        const isRepeated = ((value >> 1) & 3) === 1;
        this.#skip = (isRepeated ? 1 : value >> 3) + (isLast && this.#hasChecksum ? 4 : 0);
        if (isLast) this.#part = 'magic';
        break;
      }
    }
  }
}

const dictionaryIdBytes = [0, 1, 2, 4] as const;
const contentSizeBytes = [0, 2, 4, 8] as const;

/** How many bytes of a frame's header stand behind its descriptor: window, dictionary and size of the content. */
function headerRest(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = (descriptor >> 6) as 0 | 1 | 2 | 3;
  const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : contentSizeBytes[sizeFlag];
  return (isSingleSegment ? 0 : 1) + dictionaryIdBytes[(descriptor & 3) as 0 | 1 | 2 | 3] + sizeBytes;
}
