import type { VerdictCode } from './verdict.ts';

interface FaultKind {
  readonly check: string;
  readonly code: VerdictCode;
  /** `where` names the entries concerned, `detail` whatever the place that found the fault adds. */
  readonly message: (where: string, detail: string) => string;
}

/**
 * Every fault that verification of a trail can find, with its check, its code and what to tell an auditor: what is
 * wrong, how that is known, and what to look at next.
 */
export const faultKinds = {
  // identity
  originUnknown: {
    check: 'identity',
    code: 'key_unknown',
    message: (_, detail) =>
      `${detail} Get the verifier key of the trail from its operator over a channel you trust, and pin it.`,
  },
  // entries, judged by a signed root
  entryModified: {
    check: 'entries',
    code: 'modified',
    message: (where) =>
      `${where}: the stored bytes are not those that were signed. The stored leaf hash agrees with the signed checkpoint, the bytes do not. Compare them with a backup, an archive or the producer's own records.`,
  },
  entryDisplaced: {
    check: 'entries',
    code: 'inserted_or_reordered',
    message: (where) =>
      `${where}: not what was signed at this place. The bytes belong to another index or to none. Compare with a backup, starting at the first.`,
  },
  entryGone: {
    check: 'entries',
    code: 'missing',
    message: (where) =>
      `${where}: recorded once, and no longer there; only the hash is left. Look for it in a backup, an archive or the producer's own records; its hash tells whether it is the right one.`,
  },
  entryLost: {
    check: 'entries',
    code: 'missing',
    message: (where) =>
      `${where}: gone, and their stored hashes too. What comes after cannot be compared with signed checkpoints. Restore them from a backup and verify again.`,
  },
  entryUnreadable: {
    check: 'entries',
    code: 'unreadable',
    message: (where, detail) =>
      `${where}: cannot be read from the store: ${detail}. Check the storage, then restore the bundle from a backup and verify again.`,
  },
  entryRepeated: {
    check: 'entries',
    code: 'inserted_or_reordered',
    message: (where) =>
      `${where}: stored more than once; only the first occurrence was verified. Look for overlapping rows in the store.`,
  },
  entriesCutOff: {
    check: 'entries',
    code: 'unreadable',
    message: (_, detail) =>
      `Reading the entries failed (${detail}); those after that point were not verified. Check the storage and verify again.`,
  },
  batchInvalid: {
    check: 'entries',
    code: 'unreadable',
    message: () => 'The store gave entries without a valid position; they were not verified.',
  },
  entryUndecided: {
    check: 'entries',
    code: 'modified',
    message: (where) =>
      `${where}: the stored bytes and the stored leaf hash disagree, and no signed checkpoint tells which of them was changed. Compare both with a backup.`,
  },
  historyModified: {
    check: 'entries',
    code: 'modified',
    message: (where, detail) =>
      `${where}: one or more of them changed, removed, inserted or reordered after they were signed; they do not lead to the root that the checkpoint of ${detail} signed. What is before them is intact. Stored hashes do not tell the index, because they are missing or were changed too: compare this range with a backup.`,
  },
  entriesTruncated: {
    check: 'entries',
    code: 'truncated',
    message: (where, detail) =>
      `${where}: signed, and no longer at the end of the log: ${detail}. Look for them in a backup or an archive; if entries are missing further up, those after them have moved up.`,
  },
  // hash tiles
  tileModified: {
    check: 'tiles',
    code: 'modified',
    message: (where) =>
      `The stored hash of ${where} was changed; the entries themselves agree with the signed checkpoint. Rebuild the hash tiles from the entries, and find out who wrote to the store.`,
  },
  tileUndecided: {
    check: 'tiles',
    code: 'modified',
    message: (where) =>
      `The stored hashes of ${where} do not fit together, and no signed checkpoint tells which is right. Look here first.`,
  },
  tileMissing: {
    check: 'tiles',
    code: 'missing',
    message: (where) =>
      `The stored hashes of ${where} are missing. Rebuild the hash tiles from the entries once these are verified.`,
  },
  tileUnreadable: {
    check: 'tiles',
    code: 'unreadable',
    message: (_, detail) => `A stored hash tile cannot be read: ${detail}. Check the storage.`,
  },
  tileSurplus: {
    check: 'tiles',
    code: 'truncated',
    message: (where) =>
      `There are stored hashes of ${where}, beyond the end of the log: the log was longer once. Look for these entries in a backup.`,
  },
  // checkpoints
  checkpointUnreadable: {
    check: 'checkpoints',
    code: 'unreadable',
    message: (_, detail) => `A stored checkpoint cannot be read: ${detail}.`,
  },
  checkpointModified: {
    check: 'checkpoints',
    code: 'modified',
    message: (_, detail) =>
      `A stored checkpoint is not what was signed: ${detail}. Compare it with copies that witnesses or clients hold.`,
  },
  checkpointKeyUnknown: {
    check: 'checkpoints',
    code: 'key_unknown',
    message: (_, detail) =>
      `A stored checkpoint is signed by no key of the trust policy: ${detail}. If the trail's key was changed, pin the new key beside the old one.`,
  },
  checkpointOrder: {
    check: 'checkpoints',
    code: 'inserted_or_reordered',
    message: (_, detail) => `The sizes of the stored checkpoints do not rise: ${detail}.`,
  },
  checkpointForked: {
    check: 'checkpoints',
    code: 'forked',
    message: (_, detail) =>
      `The log signed two histories. Of its checkpoints, ${detail}. Keep both: together they prove it.`,
  },
  checkpointContradicted: {
    check: 'checkpoints',
    code: 'modified',
    message: (_, detail) =>
      `The entries do not lead to the signed roots of checkpoints: ${detail}. They were validly signed, so it is the entries that were changed.`,
  },
  // published and remembered checkpoints
  publishedUnreadable: {
    check: 'published',
    code: 'unreadable',
    message: (_, detail) => `The published checkpoint cannot be read: ${detail}.`,
  },
  publishedModified: {
    check: 'published',
    code: 'modified',
    message: (_, detail) => `The published checkpoint is not what was signed: ${detail}.`,
  },
  publishedKeyUnknown: {
    check: 'published',
    code: 'key_unknown',
    message: (_, detail) => `The published checkpoint is signed by no key of the trust policy: ${detail}.`,
  },
  publishedForked: {
    check: 'published',
    code: 'forked',
    message: (_, detail) =>
      `The log published another history than it holds. Of the published and the stored checkpoint, ${detail}. Keep both: together they prove it.`,
  },
  publishedContradicted: {
    check: 'published',
    code: 'modified',
    message: (_, detail) => `The entries do not lead to the root of the published checkpoint, ${detail}.`,
  },
  publishedCutOff: {
    check: 'published',
    code: 'truncated',
    message: (_, detail) => `The published checkpoint covers entries that were cut off: ${detail}.`,
  },
  publishedAhead: {
    check: 'published',
    code: 'rolled_back',
    message: (where, detail) =>
      `The log was set back to an older state: ${detail}, so ${where} were there. Find out which copy was restored, and look for the entries in newer ones.`,
  },
  rememberedUnreadable: {
    check: 'remembered',
    code: 'unreadable',
    message: (_, detail) => `The checkpoint remembered from last time cannot be read: ${detail}.`,
  },
  rememberedModified: {
    check: 'remembered',
    code: 'modified',
    message: (_, detail) => `The checkpoint remembered from last time is not what was signed: ${detail}.`,
  },
  rememberedKeyUnknown: {
    check: 'remembered',
    code: 'key_unknown',
    message: (_, detail) =>
      `The checkpoint remembered from last time is signed by no key of the trust policy: ${detail}.`,
  },
  rememberedForked: {
    check: 'remembered',
    code: 'forked',
    message: (_, detail) =>
      `The log shows another history than it did last time. Of the remembered and the stored checkpoint, ${detail}. Keep both: together they prove it.`,
  },
  rememberedContradicted: {
    check: 'remembered',
    code: 'modified',
    message: (_, detail) =>
      `The entries do not lead to the root of the checkpoint remembered from last time, ${detail}.`,
  },
  rememberedCutOff: {
    check: 'remembered',
    code: 'truncated',
    message: (_, detail) =>
      `The checkpoint remembered from last time covers entries that were cut off: ${detail}.`,
  },
  rememberedAhead: {
    check: 'remembered',
    code: 'rolled_back',
    message: (where, detail) =>
      `The log was set back to an older state: ${detail}, so ${where} were there when it was last verified.`,
  },
  // content
  contentUnreadable: {
    check: 'content',
    code: 'unreadable',
    message: (where) => `${where}: the bytes are not those of an entry.`,
  },
  contentOtherTrail: {
    check: 'content',
    code: 'inserted_or_reordered',
    message: (where) => `${where}: says that it is of another trail. Look for where it was copied from.`,
  },
  contentTimeBack: {
    check: 'content',
    code: 'inserted_or_reordered',
    message: (where) => `${where}: received before the entry in front of it, by its own time.`,
  },
  // witnesses and coverage
  notWitnessed: {
    check: 'witnesses',
    code: 'not_witnessed',
    message: (_, detail) => detail,
  },
  nothingSigned: {
    check: 'coverage',
    code: 'not_covered',
    message: (where) =>
      `No valid checkpoint covers any of ${where}: nothing shows that they are what was recorded. A running server signs within seconds; otherwise look for where the checkpoints went.`,
  },
} as const satisfies Record<string, FaultKind>;

export type FaultName = keyof typeof faultKinds;
