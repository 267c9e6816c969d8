import {
  CompactRange,
  createTreeHasher,
  decodeBundle,
  type Entry,
  encodeBase64,
  eventPageSchema,
  openCheckpoint,
  parseProofFile,
  TILE_WIDTH,
  trailSchema,
  verifierFromVkey,
  verifyInclusion,
} from '@sealtrail/core';
import { z } from 'zod';
import { maxReportsPerHour } from '../../packages/server/src/followers/producers/producer-follower.ts';
import type { SeededRandom } from '../../packages/server/src/sequencer/testing/seeded-random.ts';
import type { CrashLedger } from './crash-ledger.ts';
import type { CrashServer } from './crash-server.ts';

const hasher = createTreeHasher();
const trailList = z.object({ trails: z.array(trailSchema) });
const proofsASweep = 25;
const waitMs = 20_000;

/** A trail as it was read over HTTP: every entry under its newest checkpoint. */
export interface ReadTrail {
  readonly name: string;
  readonly vkey: string;
  readonly entries: readonly Entry[];
}

/** Reads all trails in full and holds them against everything that the server has said. Faults go into the ledger. */
export async function checkTrails(server: CrashServer, ledger: CrashLedger): Promise<ReadTrail[]> {
  const { trails } = trailList.parse(JSON.parse(await server.get('/v1/trails')));
  const read: ReadTrail[] = [];
  for (const { name, size, vkey } of trails)
    read.push(await checkTrail(server, ledger, { name, size, vkey }));
  const known = new Set(trails.map(({ name }) => name));
  for (const { trail } of ledger.receipts.values())
    if (!known.has(trail)) ledger.faults.push(`trail ${trail} is gone, receipts and all`);
  return read;
}

async function checkTrail(
  server: CrashServer,
  ledger: CrashLedger,
  { name, size, vkey }: { readonly name: string; readonly size: number; readonly vkey: string },
): Promise<ReadTrail> {
  const fault = (text: string): void => void ledger.faults.push(`${name}: ${text}`);
  const note = await newestCheckpoint(server, name, size);
  ledger.sawCheckpoint(name, note);
  const { checkpoint } = openCheckpoint(note, [verifierFromVkey(vkey)]);
  const seen = ledger.checkpoints.get(name) ?? new Map<number, string>();
  for (const [at] of seen)
    if (at > checkpoint.size)
      fault(`a checkpoint of ${at} entries was shown, the newest has ${checkpoint.size}`);

  const range = new CompactRange(hasher);
  const entries: Entry[] = [];
  const places = new Map<string, { index: number; leafHash: string }>();
  for (let n = 0; n * TILE_WIDTH < checkpoint.size; n++) {
    const width = Math.min(TILE_WIDTH, checkpoint.size - n * TILE_WIDTH);
    for (const bytes of decodeBundle(await server.getBytes(bundlePathOf(name, n, width)))) {
      const entry = JSON.parse(Buffer.from(bytes).toString()) as Entry;
      const leafHash = hasher.leafHash(bytes);
      if (places.has(entry.id)) fault(`${entry.id} is there twice`);
      places.set(entry.id, { index: range.size, leafHash: encodeBase64(leafHash) });
      const before = entries.at(-1);
      if (before && before.receivedAt > entry.receivedAt) fault(`entry ${range.size} was received earlier`);
      entries.push(entry);
      range.append(leafHash);
      // Rebuilt from the entries as they are now: a checkpoint from before is consistent with them or not.
      const shown = seen.get(range.size);
      if (shown !== undefined) {
        const { root } = openCheckpoint(shown, [verifierFromVkey(vkey)]).checkpoint;
        if (encodeBase64(root) !== encodeBase64(range.root()))
          fault(`checkpoint ${range.size} does not hold`);
      }
    }
  }
  if (range.size !== checkpoint.size) fault(`${range.size} entries under a checkpoint of ${checkpoint.size}`);
  for (const receipt of ledger.receiptsOf(name)) {
    const place = places.get(receipt.id);
    if (place?.index !== receipt.index || place.leafHash !== receipt.leafHash)
      fault(`the receipt of ${receipt.id} says ${receipt.index}, it is at ${place?.index ?? 'no place'}`);
  }
  if (name !== 'system')
    for (const id of places.keys()) if (!ledger.sent.has(`${name} ${id}`)) fault(`${id} was never sent`);
  return { name, vkey, entries };
}

/** The first checkpoint that covers a size. */
async function newestCheckpoint(server: CrashServer, trail: string, size: number): Promise<string> {
  for (const deadline = Date.now() + waitMs; Date.now() < deadline; ) {
    const note = await server.get(`/trails/${trail}/checkpoint`);
    if (Number(note.split('\n')[1]) >= size) return note;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no checkpoint of ${trail} covers ${size} entries`);
}

function bundlePathOf(trail: string, n: number, width: number): string {
  const digits = String(n);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').replaceAll(/\d{3}(?=\d)/g, 'x$&/');
  return `/trails/${trail}/tile/entries/${groups}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** Asks for inclusion proofs of some receipts, old and new, and verifies them. */
export async function checkProofs(
  server: CrashServer,
  ledger: CrashLedger,
  trails: readonly ReadTrail[],
  random: SeededRandom,
): Promise<void> {
  const receipts = [...ledger.receipts.values()];
  if (receipts.length === 0) return;
  for (let i = 0; i < proofsASweep; i++) {
    const { id, trail, index, leafHash } = random.pick(receipts);
    const proof = parseProofFile(await server.get(`/v1/events/${id}/proof?trail=${trail}`));
    const { vkey } = trails.find(({ name }) => name === trail)!;
    const { checkpoint } = openCheckpoint(proof.checkpoint, [verifierFromVkey(vkey)]);
    ledger.sawCheckpoint(trail, proof.checkpoint);
    if (proof.index !== index) ledger.faults.push(`the proof of ${id} is about ${proof.index}, not ${index}`);
    const leaf = new Uint8Array(Buffer.from(leafHash, 'base64'));
    verifyInclusion(proof.index, checkpoint.size, leaf, proof.hashes, checkpoint.root, hasher);
  }
}

/** Pages through the index from the newest entry to the first: each is there once and says what the log says. */
export async function checkIndex(
  server: CrashServer,
  ledger: CrashLedger,
  { name, entries }: ReadTrail,
): Promise<void> {
  let expected = entries.length - 1;
  let cursor: string | null = null;
  do {
    const where: string =
      cursor === null ? `after=${entries.length - 1}` : `cursor=${encodeURIComponent(cursor)}`;
    const text = await server.get(`/v1/events?trail=${name}&limit=1000&${where}`);
    const page = eventPageSchema.parse(JSON.parse(text));
    for (const { index, entry } of page.events) {
      if (index !== expected || entry.id !== entries[index]?.id)
        ledger.faults.push(`the index of ${name} has ${entry.id} at ${index}, where ${expected} should come`);
      expected = index - 1;
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
  if (expected !== -1) ledger.faults.push(`the index of ${name} ends at ${expected + 1}`);
}

/**
 * Holds the gaps reported in `system` against those in a trail's entries. A gap that stayed open is reported exactly
 * once; one that was filled later at most once, since what fills it may have come in time.
 */
export async function checkGaps(
  server: CrashServer,
  ledger: CrashLedger,
  trails: readonly string[],
): Promise<number> {
  for (const deadline = Date.now() + waitMs; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const faults: CrashLedger['faults'] = [];
    const read = await checkTrails(server, ledger);
    const reports = reportsIn(read.find(({ name }) => name === 'system')!.entries);
    let open = 0;
    for (const { name, entries } of read.filter((trail) => trails.includes(trail.name))) {
      const gaps = gapsIn(entries);
      // A producer gets so many reports in an hour; its further gaps are counted in the next one.
      const told = new Map<string, number>();
      for (const [index, { hour }] of gaps)
        if (reports.has(`${name} ${index}`)) told.set(hour, (told.get(hour) ?? 0) + 1);
      for (const [hour, count] of told)
        if (count > maxReportsPerHour) faults.push(`${count} reports of ${hour} in ${name}`);
      open += [...gaps.values()].filter(({ isOpen }) => isOpen).length;
      for (const [index, { text, hour, isOpen }] of gaps) {
        const found = reports.get(`${name} ${index}`) ?? [];
        const isMissed = isOpen && found.length === 0 && (told.get(hour) ?? 0) < maxReportsPerHour;
        if (found.length > 1 || isMissed || found.some((report) => report !== text))
          faults.push(`gap at ${index} of ${name}, ${text}: reported as [${found.join('; ')}]`);
      }
      for (const key of reports.keys()) {
        const [trail, index] = key.split(' ');
        if (trail === name && !gaps.has(Number(index)))
          faults.push(`a gap at ${key} was reported; there is none`);
      }
    }
    if (faults.length === 0) return open;
    if (Date.now() > deadline) {
      ledger.faults.push(...faults);
      return open;
    }
  }
}

/** A jump in the numbers of a producer: `hour` is who it is, and in which hour of receive times. */
interface Gap {
  readonly text: string;
  readonly hour: string;
  readonly isOpen: boolean;
}

/** Gaps by the index of the entry that shows them. */
function gapsIn(entries: readonly Entry[]): Map<number, Gap> {
  const seen = new Set(entries.map(({ producer }) => `${producer?.id} ${producer?.seq}`));
  const last = new Map<string, number>();
  const gaps = new Map<number, Gap>();
  for (const [index, { producer, receivedAt }] of entries.entries()) {
    if (!producer) continue;
    const { id, seq } = producer;
    // Numbers begin with 0: a first event that is missing is a gap too.
    const from = (last.get(id) ?? -1) + 1;
    if (seq > from) {
      const lost = Array.from({ length: seq - from }, (_, i) => from + i);
      gaps.set(index, {
        text: `${id} ${from}-${seq - 1}`,
        hour: `${id} ${receivedAt.slice(0, 'YYYY-MM-DDTHH'.length)}`,
        isOpen: lost.some((number) => !seen.has(`${id} ${number}`)),
      });
    }
    last.set(id, Math.max(seq, last.get(id) ?? seq));
  }
  return gaps;
}

/** What `system` says of gaps, by trail and index. */
function reportsIn(entries: readonly Entry[]): Map<string, string[]> {
  const reports = new Map<string, string[]>();
  for (const { action, targets, metadata } of entries) {
    if (action !== 'producer.sequence_gap') continue;
    const key = `${targets?.[0]?.id} ${metadata?.['seenAtIndex']}`;
    const text = `${targets?.[1]?.id} ${metadata?.['missingFrom']}-${metadata?.['missingTo']}`;
    reports.set(key, [...(reports.get(key) ?? []), text]);
  }
  return reports;
}
