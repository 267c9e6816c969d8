import type { TrailVerdict } from '@sealtrail/core';

/** How far an outsider has to trust the operator, in a few words. */
export function tierOf({ size, assurance: { selfSigned, witnessed } }: TrailVerdict): string {
  if (!selfSigned) return size === 0 ? 'nothing to sign' : 'none';
  if (witnessed.need === 0) return 'self-signed';
  const { have, need, size: end } = witnessed;
  if (have < need) return `witnessed ${have} of ${need}`;
  const reach = end === size ? 'all entries' : `up to entry ${end - 1} of ${size}`;
  return `witnessed ${have} of ${need}, ${reach}`;
}

/** Entries that are too new for a checkpoint: no failure, and not yet proof of anything either. */
export function waitingText(trails: readonly TrailVerdict[]): string | undefined {
  const waiting = trails.filter(({ ok, size, coveredSize }) => ok && coveredSize < size);
  if (waiting.length === 0) return undefined;
  const count = waiting.reduce((sum, { size, coveredSize }) => sum + size - coveredSize, 0);
  const [first] = waiting;
  const where = waiting.length === 1 ? `at the end of ${first!.trail}` : `of ${waiting.length} trails`;
  return `· ${entriesOf(count)} ${where} ${count === 1 ? 'is' : 'are'} not under a signed checkpoint yet: nothing proves ${count === 1 ? 'it' : 'them'}. A running server signs within seconds; --require-signed asks for all.`;
}

/** Entries after the last witnessed checkpoint: only the holder of the key says that they continue what is witnessed. */
export function unwitnessedText(trails: readonly TrailVerdict[]): string | undefined {
  const behind = trails.filter(
    ({ ok, coveredSize, assurance: { witnessed } }) =>
      ok && witnessed.need > 0 && witnessed.size < coveredSize,
  );
  if (behind.length === 0) return undefined;
  const [first] = behind;
  const where =
    behind.length === 1
      ? `${first!.trail} from entry ${first!.assurance.witnessed.size} on`
      : `${behind.length.toLocaleString('en')} trails after the last witnessed entry`;
  return `· No witness vouches for ${where}: the key alone signed what follows, and could have signed another history. While a trail grows its newest entries wait some seconds for witnesses; if they still wait later, look for log.witness in the trail system and ask the witnesses what they have seen. --require-witnessed fails on entries that wait longer than ten minutes.`;
}

export const entriesOf = (count: number): string =>
  `${count.toLocaleString('en')} ${count === 1 ? 'entry' : 'entries'}`;
