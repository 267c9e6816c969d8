import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../sequencer/testing/temporary-folder.ts';
import { onReadOnlyFolder } from '../../sequencer/testing/without-privileges.ts';
import { codeOf } from '../../testing/code-of.ts';
import { SqliteLogStore } from '../sqlite/log-store.ts';
import { createDataFolder, dataFolder, isDataFolderOwned, lockDataFolder } from './data-folder.ts';
import { originPrefixOf } from './origin.ts';

const isWindows = process.platform === 'win32';
const modeOf = (file: string): number => statSync(file).mode & 0o777;
const random = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(7);

describe('a data folder', () => {
  it.skipIf(isWindows)('is made with all folders above it, readable by its owner alone', () => {
    const above = mkdtempSync(path.join(tmpdir(), 'sealtrail-test-'));
    const folder = dataFolder(path.join(above, 'a', 'b', 'data'));
    createDataFolder(folder);
    createDataFolder(folder);
    expect([modeOf(folder.dir), modeOf(folder.keys)]).toEqual([0o700, 0o700]);
    rmSync(above, { recursive: true });
  });

  it('is refused where it cannot be made, or is a file', () => {
    using folder = temporaryFolder();
    const file = path.join(folder.dir, 'file');
    writeFileSync(file, '');
    expect(codeOf(() => createDataFolder(dataFolder(file)))).toBe('data_folder_invalid');
    expect(codeOf(() => createDataFolder(dataFolder(path.join(file, 'below'))))).toBe('data_folder_invalid');
  });

  it.each(['package.json', '.bashrc', 'keys.txt'])(
    'is refused among the files of others, such as %s',
    (name) => {
      const dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-test-'));
      writeFileSync(path.join(dir, name), '');
      expect(codeOf(() => createDataFolder(dataFolder(dir)))).toBe('data_folder_invalid');
      expect(readdirSync(dir)).toEqual([name]);
      rmSync(dir, { recursive: true });
    },
  );

  it.each([
    [['lost+found']],
    [['keys', 'log.db-wal']],
    [['lock.db', 'README']],
    [['published.db', 'log.db', 'x']],
  ])(
    'may have %j in it: a new volume, a start that was interrupted, a data folder with something beside',
    (names) => {
      const dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-test-'));
      for (const name of names) mkdirSync(path.join(dir, name));
      createDataFolder(dataFolder(dir));
      expect(readdirSync(dir).sort()).toEqual([...new Set([...names, 'keys'])].sort());
      rmSync(dir, { recursive: true });
    },
  );

  it.skipIf(process.platform !== 'linux')('is refused where the system makes no folders', () => {
    expect(codeOf(() => createDataFolder(dataFolder('/proc/x/data')))).toBe('data_folder_invalid');
  });

  it.skipIf(isWindows)('is refused with a code of its own where it cannot be written', () => {
    using folder = temporaryFolder();
    const codes = onReadOnlyFolder(folder.dir, () => [
      codeOf(() => createDataFolder(dataFolder(path.join(folder.dir, 'new')))),
      codeOf(() => lockDataFolder(folder)),
      codeOf(() => new SqliteLogStore(folder.log)),
    ]);
    expect(codes).toEqual(['data_folder_invalid', 'data_folder_invalid', 'data_folder_invalid']);
  });
});

describe('the lock of a data folder', () => {
  it('is refused to another owner in the same process, and given once it is free', () => {
    using folder = temporaryFolder();
    {
      using _held = lockDataFolder(folder);
      expect(codeOf(() => lockDataFolder(folder))).toBe('data_folder_locked');
      // An attempt that was refused must not have loosened it.
      expect(codeOf(() => lockDataFolder(folder))).toBe('data_folder_locked');
    }
    using _again = lockDataFolder(folder);
  });

  it('is refused while another process has it, and free when that process was killed', async () => {
    using folder = temporaryFolder();
    const module = new URL('./data-folder.ts', import.meta.url).href;
    const script = `
      const { dataFolder, lockDataFolder } = await import(${JSON.stringify(module)});
      globalThis.held = lockDataFolder(dataFolder(${JSON.stringify(folder.dir)}));
      console.log('locked');
      setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(owner.stdout, 'data');
    expect(codeOf(() => lockDataFolder(folder))).toBe('data_folder_locked');
    const gone = once(owner, 'exit');
    owner.kill('SIGKILL');
    await gone;
    using _mine = lockDataFolder(folder);
  });
});

describe('asking whether a data folder is owned', () => {
  it('tells whether it is, and makes nothing', () => {
    using folder = temporaryFolder();
    expect(isDataFolderOwned(folder)).toBe(false);
    expect(existsSync(folder.lock)).toBe(false);
    {
      using _held = lockDataFolder(folder);
      expect(isDataFolderOwned(folder)).toBe(true);
    }
    expect(isDataFolderOwned(folder)).toBe(false);
  });

  it('keeps nobody from owning it, in the very moment of asking', async () => {
    using folder = temporaryFolder();
    lockDataFolder(folder)[Symbol.dispose]();
    // Asks, and takes its time.
    const script = `
      const { default: Database } = await import(${JSON.stringify(import.meta.resolve('better-sqlite3'))});
      const db = new Database(${JSON.stringify(folder.lock)}, { readonly: true });
      const rows = db.prepare('SELECT 1 FROM (SELECT count(*) FROM sqlite_schema)').iterate();
      rows.next();
      console.log('asking');
      setTimeout(() => { rows.return(); db.close(); }, 100);`;
    const asking = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const gone = once(asking, 'exit');
    await once(asking.stdout, 'data');
    using _mine = lockDataFolder(folder);
    expect(await gone).toEqual([0, null]);
  });
});

describe('the prefix of origins', () => {
  it('is chosen once and kept', () => {
    using folder = temporaryFolder();
    expect(originPrefixOf(folder, 'audit.example', random)).toBe('audit.example');
    expect(originPrefixOf(folder, 'other.example', random)).toBe('audit.example');
    expect(originPrefixOf(folder, undefined, random)).toBe('audit.example');
  });

  it('is made when none is wanted, of a name that nobody can own', () => {
    using folder = temporaryFolder();
    expect(originPrefixOf(folder, undefined, random)).toBe('sealtrail.invalid/070707070707');
  });
});
