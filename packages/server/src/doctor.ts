import { lstatSync, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import { reasonOf } from '@sealtrail/core';
import { hotJournalOf } from './adapters/database-files.ts';
import { type DataFolder, dataFolder, isDataFolderOwned } from './adapters/fs/data-folder.ts';
import { FsKeyStore } from './adapters/fs/key-store.ts';
import { readPolicyFile } from './adapters/fs/policy-file.ts';
import { createNativeSigner } from './adapters/native-ed25519.ts';
import { isThere } from './adapters/regular-file.ts';
import { LogEvidence } from './adapters/sqlite/log-evidence.ts';
import { SqliteLogReader } from './adapters/sqlite/log-reader.ts';
import { readPublished } from './adapters/sqlite/published-evidence.ts';

/** One thing that was looked at. */
export interface Finding {
  readonly what: string;
  readonly state: 'good' | 'warning' | 'bad';
  /** What was found, and what to do. */
  readonly message: string;
}

const scarceBytes = 1024 ** 3;

/** Looks at an installation and a data folder. Changes nothing, and works beside a running server. */
export async function examine(dir: string): Promise<readonly Finding[]> {
  const folder = dataFolder(dir);
  const findings: Finding[] = [good('node', `${process.version} on ${process.platform}-${process.arch}`)];
  if (!isThere(folder.log))
    return [
      ...findings,
      bad(
        'data folder',
        `there is no log in ${folder.dir}; check the name, or start sealtrail serve to make one`,
      ),
    ];
  const looks: readonly [string, (folder: DataFolder) => Finding | readonly Finding[]][] = [
    ['data folder', lookAtMode],
    ['journals', lookAtJournals],
    ['owner', lookAtLock],
    ['disk', lookAtDisk],
    ['log', lookAtLog],
    ['keys', lookAtKeys],
    ['trust policy', lookAtPolicy],
    ['index', lookAtIndex],
  ];
  for (const [what, look] of looks) {
    try {
      findings.push(...[look(folder)].flat());
    } catch (error) {
      findings.push(bad(what, reasonOf(error)));
    }
  }
  return findings;
}

const good = (what: string, message: string): Finding => ({ what, state: 'good', message });
const warning = (what: string, message: string): Finding => ({ what, state: 'warning', message });
const bad = (what: string, message: string): Finding => ({ what, state: 'bad', message });

function lookAtMode(folder: DataFolder): Finding {
  const mode = statSync(folder.dir).mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    return warning('data folder', `others can read ${folder.dir} (mode ${mode.toString(8)}); chmod 700 it`);
  return good('data folder', folder.dir);
}

function lookAtJournals({ log, published, state, lock }: DataFolder): readonly Finding[] {
  return [log, published, state, lock].flatMap((file) => {
    const journal = hotJournalOf(file);
    return journal === undefined
      ? []
      : bad(
          'journals',
          `${journal} is not ours: SQLite would write it into ${file}; move it out of the folder`,
        );
  });
}

function lookAtLock(folder: DataFolder): Finding {
  const isOwned = isDataFolderOwned(folder);
  return good('owner', isOwned ? 'a running process owns the folder' : 'no process is using the folder');
}

function lookAtDisk(folder: DataFolder): Finding {
  const { bavail, bsize } = statfsSync(folder.dir);
  const free = bavail * bsize;
  const text = `${(free / 1024 ** 3).toFixed(1)} GiB free`;
  return free < scarceBytes ? warning('disk', `${text}: a full disk stops intake`) : good('disk', text);
}

function lookAtLog(folder: DataFolder): readonly Finding[] {
  using reader = new SqliteLogReader(folder.log);
  const published = readPublished(folder.published);
  const [fault] = published.faults;
  if (fault) return [bad('log', [fault.message, fault.advice].join(' '))];
  return reader.trails().map(({ name, size }) => {
    const covered = published.checkpoints.get(name)?.size ?? 0;
    return covered > size
      ? bad('log', `trail ${name} has ${size} entries, but ${covered} were published: it was set back`)
      : good('log', `trail ${name}: ${size} entries, checkpoint at ${covered}`);
  });
}

function lookAtKeys(folder: DataFolder): Finding {
  using log = new LogEvidence(folder.log);
  const keys = new FsKeyStore(folder);
  for (const { name, vkey } of log.trails) {
    const skey = keys.read(name);
    if (skey === undefined)
      return bad(
        'keys',
        `the signing key of trail ${name} is missing: restore it, the trail cannot go on without`,
      );
    if (createNativeSigner(skey).vkey !== vkey)
      return bad('keys', `the signing key of trail ${name} is another one than the trail was made with`);
    const mode = lstatSync(path.join(folder.keys, `${name}.key`)).mode & 0o777;
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      return bad('keys', `others can read the key of trail ${name}; chmod 600 it`);
  }
  return good('keys', `${log.trails.length} signing keys, readable by their owner alone`);
}

function lookAtPolicy(folder: DataFolder): Finding {
  const { logs } = readPolicyFile(folder.policy);
  return good(
    'trust policy',
    `${logs.length} verifier keys; verification is only as good as the copy of it that you keep elsewhere`,
  );
}

function lookAtIndex(folder: DataFolder): Finding {
  return isThere(path.join(folder.index, 'catalog.db'))
    ? good('index', 'there; sealtrail rebuild makes it again')
    : warning('index', 'not there yet; it is made when the server starts');
}
