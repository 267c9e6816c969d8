/** "SQLite Database File Format", section 3: what a rollback journal begins with, and what a pointer out of it ends with. */
const magic = Buffer.from('d9d505f920a163d7', 'hex');
const sectorBytes = 512;
const nonce = 12_345;

/** The rollback journal that turns the bytes of a database into other ones, of the same page size. */
export function journalTo(from: Buffer, to: Buffer, superJournal?: string): Buffer {
  const pageBytes = pageBytesOf(from);
  const pages = Array.from({ length: to.length / pageBytes }, (_, i) =>
    to.subarray(i * pageBytes, (i + 1) * pageBytes),
  );
  const records = pages.flatMap((page, i) =>
    page.equals(from.subarray(i * pageBytes, (i + 1) * pageBytes)) ? [] : [recordOf(i + 1, page)],
  );
  const header = Buffer.alloc(sectorBytes);
  header.set(magic);
  for (const [i, number] of [records.length, nonce, pages.length, sectorBytes, pageBytes].entries())
    header.writeUInt32BE(number, magic.length + 4 * i);
  const pointer = superJournal === undefined ? [] : [pointerTo(superJournal, pageBytes)];
  return Buffer.concat([header, ...records, ...pointer]);
}

function pageBytesOf(database: Buffer): number {
  const bytes = database.readUInt16BE(16);
  return bytes === 1 ? 65_536 : bytes;
}

function recordOf(number: number, page: Buffer): Buffer {
  let checksum = nonce;
  for (let i = page.length - 200; i > 0; i -= 200) checksum += page[i]!;
  return Buffer.concat([uint32(number), page, uint32(checksum)]);
}

/** The number of the page that no database has; the name; its length and the sum of its bytes. */
function pointerTo(name: string, pageBytes: number): Buffer {
  const bytes = Buffer.from(name);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  const lockPage = Math.floor(0x40_00_00_00 / pageBytes) + 1;
  return Buffer.concat([uint32(lockPage), bytes, uint32(bytes.length), uint32(sum), magic]);
}

function uint32(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number % 2 ** 32);
  return bytes;
}
