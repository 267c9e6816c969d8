import path from 'node:path';
import { formatVkey, parsePolicy, reasonOf, type StoreFault, type TrustPolicy } from '@sealtrail/core';
import { hotJournalOf } from '../adapters/database-files.ts';
import type { DataFolder } from '../adapters/fs/data-folder.ts';
import { readPolicyFile } from '../adapters/fs/policy-file.ts';
import { isThere } from '../adapters/regular-file.ts';
import type { LogEvidence } from '../adapters/sqlite/log-evidence.ts';
import type { PublishedEvidence } from '../adapters/sqlite/published-evidence.ts';

/** A trust policy, and what is wrong with where it came from. */
export interface PolicySource {
  readonly policy: TrustPolicy;
  readonly faults: readonly StoreFault[];
}

const giveCopy = 'Give the copy that you keep elsewhere, with --policy.';

/** Trusts nobody. */
const emptyPolicy: TrustPolicy = parsePolicy('quorum none\n');

/**
 * The trust policy in the folder itself. It is evidence like the rest of the folder: whatever is wrong with it is part of
 * the verdict.
 */
export function readOwnPolicy(folder: DataFolder): PolicySource {
  if (!isThere(folder.policy))
    return {
      policy: emptyPolicy,
      faults: [
        fault(
          'identity',
          'key_unknown',
          'There is no trust policy in the folder, and none was given: no key tells who signed.',
          giveCopy,
        ),
      ],
    };
  try {
    return { policy: readPolicyFile(folder.policy), faults: [] };
  } catch (error) {
    const reason = reasonOf(error);
    const message = `The trust policy in the folder cannot be read: ${reason}.`;
    return { policy: emptyPolicy, faults: [fault('identity', 'unreadable', message, giveCopy)] };
  }
}

/** Where keys were pinned, the folder's own policy must not name others: the next one to copy it would trust them. */
export function* ownPolicyFaults(
  folder: DataFolder,
  pinned: TrustPolicy,
  log: LogEvidence,
): Generator<StoreFault, undefined> {
  // A copy of a folder may be without it: a verdict by pinned keys does not rest on it.
  if (!isThere(folder.policy)) return undefined;
  const { policy, faults } = readOwnPolicy(folder);
  yield* faults.map((found) => ({
    ...found,
    advice: 'The copy that you gave was used. Find out who wrote the one in the folder.',
  }));
  if (faults.length > 0) return undefined;
  // That the key of a trail is not pinned is said with the trail.
  const keys = new Set([
    ...pinned.logs.map(({ key }) => formatVkey(key)),
    ...log.trails.map(({ vkey }) => vkey),
  ]);
  for (const { key } of policy.logs)
    if (!keys.has(formatVkey(key)))
      yield fault(
        'identity',
        'key_unknown',
        `trust-policy.txt in the folder has a key for ${key.name} that neither the policy you gave nor a trail has: somebody put it there to be trusted.`,
        'Do not copy it, and find out who wrote it.',
      );
  return undefined;
}

/** Trails that the policy or the published checkpoints know and the log does not have, and trails under another name. */
export function* trailFaults(
  log: LogEvidence,
  policy: TrustPolicy,
  published: PublishedEvidence,
): Generator<StoreFault, undefined> {
  const origins = new Set(log.trails.map(({ origin }) => origin));
  const names = new Set(log.trails.map(({ name }) => name));
  for (const { key } of policy.logs)
    if (!origins.has(key.name))
      yield fault(
        'identity',
        'missing',
        `The trust policy knows a trail of origin ${key.name}, which the log does not have: it was removed, or the policy is of another data folder.`,
        'Look for it in a backup; keep a policy for each data folder.',
      );
  for (const name of published.checkpoints.keys())
    if (!names.has(name))
      yield fault(
        'published',
        'missing',
        `A checkpoint of trail ${name} was published, but the log has no such trail.`,
        'Look for it in a backup.',
      );
  for (const { name, origin } of log.trails)
    if (!origin.endsWith(`/${name}`))
      yield fault(
        'identity',
        'modified',
        `Trail ${name} has the origin ${origin}: it was renamed, or its origin was.`,
        'Find out who wrote to log.db.',
      );
  return undefined;
}

/**
 * A checkpoint is published apart before the log has it, so published.db is never behind the log. Where it is, a log set
 * back to an older copy would pass.
 *
 * @param published as read once the log's state was fixed
 */
export function* publishedFaults(
  log: LogEvidence,
  published: PublishedEvidence,
): Generator<StoreFault, undefined> {
  // What is wrong with the file as a whole has been said once.
  if (published.faults.some(({ code }) => code === 'missing' || code === 'unreadable')) return undefined;
  for (const trail of log.trails) {
    const inLog = log.largestCheckpoint(trail);
    const apart = published.checkpoints.get(trail.name);
    if (inLog > 0 && apart === undefined)
      yield fault(
        'published',
        'missing',
        `published.db has no checkpoint of trail ${trail.name}, though the log has one of size ${inLog}: a log set back to an older copy could not be noticed.`,
        'Find out who removed it.',
      );
    else if (apart !== undefined && apart.size < inLog)
      yield fault(
        'published',
        'rolled_back',
        `published.db was set back: its checkpoint of trail ${trail.name} is of size ${apart.size}, the log has one of size ${inLog}.`,
        'Find out which copy was restored.',
      );
  }
  return undefined;
}

/**
 * Journals that SQLite would write into our databases as soon as somebody opens them for writing: what is there now would
 * then not be what was verified.
 */
export function* journalFaults(folder: DataFolder): Generator<StoreFault, undefined> {
  for (const file of [folder.log, folder.published, folder.state, folder.lock]) {
    const journal = journalOf(file);
    if (journal !== undefined)
      yield fault(
        'store',
        'modified',
        `${path.basename(journal)} is none of our files: SQLite would write it into ${path.basename(file)} as soon as somebody opens that for writing, such as a server.`,
        'Move it out of the folder before anything else, keep it as evidence, and find out who put it there.',
      );
  }
  return undefined;
}

function journalOf(file: string): string | undefined {
  try {
    return hotJournalOf(file);
  } catch {
    // What is no regular file is reported where it is to be read, and no server opens it.
    return undefined;
  }
}

function fault(check: string, code: StoreFault['code'], message: string, advice: string): StoreFault {
  return { check, code, message, advice };
}
