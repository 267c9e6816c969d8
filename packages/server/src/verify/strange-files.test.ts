import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examine } from '../doctor.ts';
import { temporaryFolder } from '../sequencer/testing/temporary-folder.ts';
import { codeOfPromise } from '../testing/code-of.ts';
import { ServedLog } from './testing/served-log.ts';
import { type FolderVerdict, verifyFolder } from './verify-folder.ts';

const secret = 'root:$6$not-for-the-one-who-wrote-this-folder:0:0';

/** What somebody may put in the place of a file, so that whoever reads it waits for ever, or reads what is not theirs. */
const kinds: Readonly<Record<string, (at: string) => void>> = {
  'a folder': (at) => mkdirSync(at),
  'a link to a secret': (at) => {
    const elsewhere = `${path.dirname(at)}.secret`;
    writeFileSync(elsewhere, `${secret}\n`.repeat(1000));
    symlinkSync(elsewhere, at);
  },
  'a link that leads nowhere': (at) => symlinkSync('nowhere', at),
  ...(process.platform !== 'win32' && {
    'a pipe': (at) => execFileSync('mkfifo', [at]),
    'a link to a device': (at) => symlinkSync('/dev/zero', at),
  }),
};

/** A small file in whose place a huge one stands. */
const huge = (at: string): void => {
  writeFileSync(at, '');
  truncateSync(at, 2 ** 40);
};

describe('in the place of a file of the data folder', () => {
  const root = temporaryFolder();
  const log = new ServedLog(path.join(root.dir, 'data'));
  let policyText = '';
  beforeAll(async () => {
    await log.start();
    await log.record(300);
    await log.engine.log.publish('system');
    policyText = log.policy;
    await log.stop();
  });
  afterAll(() => root[Symbol.dispose]());

  /** A copy of the folder with something else in the place of a file. */
  function copyWith(name: string, make: (at: string) => void): string {
    const dir = mkdtempSync(path.join(root.dir, 'copy-'));
    cpSync(log.dir, dir, { recursive: true });
    rmSync(path.join(dir, name), { force: true });
    make(path.join(dir, name));
    return dir;
  }

  const codes = ({ checks }: FolderVerdict): string[] => checks.map(({ check, code }) => `${check} ${code}`);
  const sidesOf = (name: string): string[] =>
    ['', '-wal', '-shm', '-journal'].map((side) => `${name}${side}`);

  describe.each(Object.keys(kinds))('%s', (kind) => {
    it.each([
      ...sidesOf('log.db').map((name) => [name, 'store unreadable']),
      ...sidesOf('published.db').map((name) => [name, 'published unreadable']),
      ['trust-policy.txt', 'identity unreadable'],
    ])('at %s is part of the verdict, and not read', async (name, finding) => {
      const dir = copyWith(name!, kinds[kind]!);
      for (const options of [{ policyText }, {}]) {
        const verdict = await verifyFolder(dir, { ...options, settleMs: 0 });
        expect(verdict.ok).toBe(false);
        expect(codes(verdict)).toContain(finding);
        expect(JSON.stringify(verdict)).not.toContain('not-for-the-one');
      }
    });

    it.each([
      'log.db',
      'log.db-wal',
      'published.db-shm',
      'state.db-journal',
      'lock.db',
      'trust-policy.txt',
      'origin.txt',
      'keys/main.key',
    ])('at %s keeps a server from starting', async (name) => {
      const dir = copyWith(name, kinds[kind]!);
      expect(await codeOfPromise(new ServedLog(dir).start())).toBe('data_folder_invalid');
    });

    it.each([
      'log.db',
      'log.db-shm',
      'published.db-wal',
      'state.db-journal',
      'lock.db',
      'trust-policy.txt',
      'keys/main.key',
    ])('at %s is found by doctor', async (name) => {
      const findings = await examine(copyWith(name, kinds[kind]!));
      expect(findings.filter(({ state }) => state === 'bad')).not.toEqual([]);
      expect(JSON.stringify(findings)).not.toContain('not-for-the-one');
    });
  });

  it('nothing is well', async () => {
    const verdict = await verifyFolder(log.dir, { policyText });
    expect([codes(verdict), verdict.ok]).toEqual([[], true]);
    const findings = await examine(log.dir);
    expect(findings.filter(({ state }) => state === 'bad')).toEqual([]);
  });

  it('a file that is larger than any of its kind is not read', async () => {
    for (const [name, finding] of [
      ['trust-policy.txt', 'identity unreadable'],
      ['published.db', 'published unreadable'],
      ['published.db-wal', 'published unreadable'],
    ] as const)
      expect(codes(await verifyFolder(copyWith(name, huge), { settleMs: 0 }))).toContain(finding);
    for (const name of ['trust-policy.txt', 'origin.txt', 'keys/main.key'])
      expect(await codeOfPromise(new ServedLog(copyWith(name, huge)).start())).toBe('data_folder_invalid');
  });

  it('what a server writes goes through no link', async () => {
    const elsewhere = path.join(root.dir, 'elsewhere');
    const dir = path.join(root.dir, 'new');
    mkdirSync(path.join(dir, 'keys'), { recursive: true });
    for (const name of [
      'log.db',
      'published.db',
      'state.db',
      'origin.txt',
      'trust-policy.txt',
      'keys/main.key',
    ])
      symlinkSync(elsewhere, path.join(dir, `${name}.new`));
    await using served = new ServedLog(dir);
    await served.start();
    await served.record(1);
    expect(existsSync(elsewhere)).toBe(false);
    expect(served.policy).toContain('audit.example/main');
  });
});
