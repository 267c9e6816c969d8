import { type EntryText, eventLimits, tooLarge, uuidBytes } from '@sealtrail/core';

const initialBytes = 1024;

/** The entries of one request, encoded as they come and handed over as a whole. */
export class EntryGroup {
  readonly partial: boolean;
  readonly trails: string[] = [];
  readonly starts: number[] = [];
  readonly slots: number[] = [];
  readonly timeChosen: boolean[] = [];
  readonly ids: Uint8Array[] = [];
  #bytes: Buffer = Buffer.allocUnsafe(initialBytes);
  #length = 0;

  /** @param partial true when good entries are to be stored even where others are refused */
  constructor(partial: boolean) {
    this.partial = partial;
  }

  get count(): number {
    return this.starts.length;
  }

  /** All entries in tlog-tiles form. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  get byteLength(): number {
    return this.#length;
  }

  /**
   * Encodes one entry behind the others.
   *
   * @throws SealtrailError entry_too_large; the group is as it was
   */
  add(trail: string, id: string, { text, receivedAt }: EntryText, timeChosen: boolean): void {
    // A UTF-16 unit becomes three bytes of UTF-8 at most.
    this.#reserve(2 + 3 * text.length);
    const start = this.#length + 2;
    const length = this.#bytes.write(text, start, 'utf8');
    if (length > eventLimits.entryBytes) throw tooLarge();
    const isAscii = length === text.length;
    const slot = isAscii ? receivedAt : length - Buffer.byteLength(text.slice(receivedAt));
    this.#bytes.writeUInt16BE(length, this.#length);
    this.#length = start + length;
    this.trails.push(trail);
    this.starts.push(start);
    this.slots.push(start + slot);
    this.timeChosen.push(timeChosen);
    this.ids.push(uuidBytes(id));
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length + bytes));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
