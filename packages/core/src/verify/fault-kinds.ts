import type { VerdictCode } from './verdict.ts';

interface FaultKind {
  readonly check: string;
  readonly code: VerdictCode;
  /** What is wrong and how that is known; `detail` is whatever the place that found the fault adds. */
  readonly message: (detail: string) => string;
  /** What to look at next. */
  readonly advice: string;
}

const findWriter = 'Find out who wrote to the store.';
const keepBoth = 'Keep both: together they prove it.';
const compareCopies = 'Compare it with copies that witnesses or clients hold.';
const pinNewKey = "If the trail's key was changed, pin the new key beside the old one.";
const findCopy = 'Find out which copy was restored, and look for the entries in newer ones.';
const lookWhereElse = "Look in a backup, an archive or the producer's own records";

/**
 * Every fault that verification of a trail can find, with its check, its code and what to tell an auditor. Which entries
 * are concerned is told beside it.
 */
export const faultKinds = {
  // identity
  originUnknown: {
    check: 'identity',
    code: 'key_unknown',
    message: (detail) => detail,
    advice:
      'Get the verifier key of the trail from its operator over a channel you trust, and pin it; otherwise find out who made the trail.',
  },
  // entries, judged by a signed root
  entryModified: {
    check: 'entries',
    code: 'modified',
    message: () =>
      'The stored bytes are not those that were signed: the stored leaf hash agrees with the signed checkpoint, the bytes do not.',
    advice: `${lookWhereElse} for what was there; its hash tells whether it is the right one.`,
  },
  entryDisplaced: {
    check: 'entries',
    code: 'inserted_or_reordered',
    message: () => 'Not what was signed at this place: the bytes belong to another index, or to none.',
    advice: 'Compare with a backup, starting at the first.',
  },
  entryGone: {
    check: 'entries',
    code: 'missing',
    message: () => 'Recorded once, and no longer there; only the hash is left.',
    advice: `${lookWhereElse} for what was there; its hash tells whether it is the right one.`,
  },
  entryLost: {
    check: 'entries',
    code: 'missing',
    message: () =>
      'Gone, and the stored hashes too: what comes after cannot be compared with signed checkpoints.',
    advice: 'Restore them from a backup and verify again.',
  },
  entryUnreadable: {
    check: 'entries',
    code: 'unreadable',
    message: (detail) => `They cannot be read from the store: ${detail}.`,
    advice: 'Check the storage, then restore the bundle from a backup and verify again.',
  },
  entryRepeated: {
    check: 'entries',
    code: 'inserted_or_reordered',
    message: () => 'Stored more than once; only the first occurrence was verified.',
    advice: 'Look for overlapping rows in the store.',
  },
  entriesCutOff: {
    check: 'entries',
    code: 'unreadable',
    message: (detail) => `Reading the entries failed (${detail}); those after that point were not verified.`,
    advice: 'Check the storage and verify again.',
  },
  batchInvalid: {
    check: 'entries',
    code: 'unreadable',
    message: () => 'The store gave entries without a valid position; they were not verified.',
    advice: findWriter,
  },
  entryUndecided: {
    check: 'entries',
    code: 'modified',
    message: () =>
      'The stored bytes and the stored leaf hash disagree, and no signed checkpoint tells which of them was changed.',
    advice: 'Compare both with a backup.',
  },
  historyModified: {
    check: 'entries',
    code: 'modified',
    message: (detail) =>
      `One or more of them were changed, removed, inserted or reordered after they were signed: they do not lead to the root that the checkpoint of ${detail} signed. What is before them is intact. Stored hashes do not tell the index, because they are missing or were changed too.`,
    advice: 'Compare this range with a backup.',
  },
  entriesTruncated: {
    check: 'entries',
    code: 'truncated',
    message: (detail) =>
      `Signed, and no longer at the end of the log: ${detail}. If entries are missing further up, those after them have moved up.`,
    advice: 'Look for them in a backup or an archive.',
  },
  // hash tiles
  tileModified: {
    check: 'tiles',
    code: 'modified',
    message: () =>
      'The stored hashes of these entries were changed; the entries themselves agree with the signed checkpoint.',
    advice: `Restore the hash tiles from a backup. ${findWriter}`,
  },
  tileUndecided: {
    check: 'tiles',
    code: 'modified',
    message: () =>
      'The stored hashes of these entries do not fit together, and no signed checkpoint tells which is right.',
    advice: 'Look here first.',
  },
  tileMissing: {
    check: 'tiles',
    code: 'missing',
    message: () => 'The stored hashes of these entries are missing.',
    advice: 'Restore the hash tiles from a backup.',
  },
  tileUnreadable: {
    check: 'tiles',
    code: 'unreadable',
    message: (detail) => `A stored hash tile cannot be read: ${detail}.`,
    advice: 'Check the storage.',
  },
  tileSurplus: {
    check: 'tiles',
    code: 'truncated',
    message: () => 'There are stored hashes of entries beyond the end of the log: it was longer once.',
    advice: 'Look for these entries in a backup.',
  },
  // checkpoints
  checkpointUnreadable: {
    check: 'checkpoints',
    code: 'unreadable',
    message: (detail) => `A stored checkpoint cannot be read: ${detail}.`,
    advice: `Check the storage. ${findWriter}`,
  },
  checkpointModified: {
    check: 'checkpoints',
    code: 'modified',
    message: (detail) => `A stored checkpoint is not what was signed: ${detail}.`,
    advice: compareCopies,
  },
  checkpointKeyUnknown: {
    check: 'checkpoints',
    code: 'key_unknown',
    message: (detail) => `A stored checkpoint is signed by no key of the trust policy: ${detail}.`,
    advice: pinNewKey,
  },
  checkpointOrder: {
    check: 'checkpoints',
    code: 'inserted_or_reordered',
    message: (detail) => `The sizes of the stored checkpoints do not rise: ${detail}.`,
    advice: findWriter,
  },
  checkpointForked: {
    check: 'checkpoints',
    code: 'forked',
    message: (detail) => `The log signed two histories. Of its checkpoints, ${detail}.`,
    advice: keepBoth,
  },
  checkpointContradicted: {
    check: 'checkpoints',
    code: 'modified',
    message: (detail) =>
      `The entries do not lead to the signed roots of checkpoints: ${detail}. They were validly signed, so it is the entries that were changed.`,
    advice: 'Look at what is said of the entries.',
  },
  // published and remembered checkpoints
  publishedUnreadable: {
    check: 'published',
    code: 'unreadable',
    message: (detail) => `The published checkpoint cannot be read: ${detail}.`,
    advice: 'Find out who wrote to published.db.',
  },
  publishedModified: {
    check: 'published',
    code: 'modified',
    message: (detail) => `The published checkpoint is not what was signed: ${detail}.`,
    advice: compareCopies,
  },
  publishedKeyUnknown: {
    check: 'published',
    code: 'key_unknown',
    message: (detail) => `The published checkpoint is signed by no key of the trust policy: ${detail}.`,
    advice: pinNewKey,
  },
  publishedForked: {
    check: 'published',
    code: 'forked',
    message: (detail) =>
      `The log published another history than it holds. Of the published and the stored checkpoint, ${detail}.`,
    advice: keepBoth,
  },
  publishedContradicted: {
    check: 'published',
    code: 'modified',
    message: (detail) => `The entries do not lead to the root of the published checkpoint, ${detail}.`,
    advice: 'Look at what is said of the entries.',
  },
  publishedCutOff: {
    check: 'published',
    code: 'truncated',
    message: (detail) => `The published checkpoint covers entries that were cut off: ${detail}.`,
    advice: 'Look for them in a backup or an archive.',
  },
  publishedAhead: {
    check: 'published',
    code: 'rolled_back',
    message: (detail) =>
      `The log was set back to an older state: ${detail}, so these entries were there when it was published.`,
    advice: findCopy,
  },
  rememberedUnreadable: {
    check: 'remembered',
    code: 'unreadable',
    message: (detail) => `The checkpoint remembered from last time cannot be read: ${detail}.`,
    advice: 'Find out who wrote to the file in which you remember checkpoints.',
  },
  rememberedModified: {
    check: 'remembered',
    code: 'modified',
    message: (detail) => `The checkpoint remembered from last time is not what was signed: ${detail}.`,
    advice: 'Find out who wrote to the file in which you remember checkpoints.',
  },
  rememberedKeyUnknown: {
    check: 'remembered',
    code: 'key_unknown',
    message: (detail) =>
      `The checkpoint remembered from last time is signed by no key of the trust policy: ${detail}.`,
    advice: pinNewKey,
  },
  rememberedForked: {
    check: 'remembered',
    code: 'forked',
    message: (detail) =>
      `The log shows another history than it did last time. Of the remembered and the stored checkpoint, ${detail}.`,
    advice: keepBoth,
  },
  rememberedContradicted: {
    check: 'remembered',
    code: 'modified',
    message: (detail) =>
      `The entries do not lead to the root of the checkpoint remembered from last time, ${detail}.`,
    advice: 'Look at what is said of the entries.',
  },
  rememberedCutOff: {
    check: 'remembered',
    code: 'truncated',
    message: (detail) =>
      `The checkpoint remembered from last time covers entries that were cut off: ${detail}.`,
    advice: 'Look for them in a backup or an archive.',
  },
  rememberedAhead: {
    check: 'remembered',
    code: 'rolled_back',
    message: (detail) =>
      `The log was set back to an older state: ${detail}, so these entries were there when it was last verified.`,
    advice: findCopy,
  },
  // content
  contentUnreadable: {
    check: 'content',
    code: 'unreadable',
    message: () => 'The bytes are not those of an entry.',
    advice: findWriter,
  },
  contentOtherTrail: {
    check: 'content',
    code: 'inserted_or_reordered',
    message: () => 'By its own content of another trail.',
    advice: 'Look for where it was copied from.',
  },
  contentTimeBack: {
    check: 'content',
    code: 'inserted_or_reordered',
    message: () => 'By its own time received before the entry in front of it.',
    advice: 'Compare with a backup.',
  },
  // witnesses and coverage
  notWitnessed: {
    check: 'witnesses',
    code: 'not_witnessed',
    message: (detail) => detail,
    advice: 'Ask the witnesses what they last saw of this log.',
  },
  witnessedBehind: {
    check: 'witnesses',
    code: 'not_witnessed',
    message: () =>
      'Enough witnesses cosigned an older checkpoint, and none that covers these entries, though they are not too new for it: nobody but the holder of the key says that they continue what the witnesses saw.',
    advice:
      'Ask the witnesses what they last saw of this log, and look for log.witness in the trail system: one that refused a checkpoint knows another history.',
  },
  notSigned: {
    check: 'coverage',
    code: 'not_covered',
    message: () => 'No checkpoint that agrees covers them, and all are asked to be covered.',
    advice: 'Start the server, which signs within seconds, and verify again.',
  },
  nothingSigned: {
    check: 'coverage',
    code: 'not_covered',
    message: () =>
      'No valid checkpoint covers any entry: nothing shows that they are what was recorded. A running server signs within seconds.',
    advice: 'Look for where the checkpoints went.',
  },
} as const satisfies Record<string, FaultKind>;

export type FaultName = keyof typeof faultKinds;
