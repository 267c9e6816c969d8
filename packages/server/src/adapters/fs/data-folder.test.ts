import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../sequencer/testing/temporary-folder.ts';
import { onReadOnlyFolder } from '../../sequencer/testing/without-privileges.ts';
import { codeOf } from '../../testing/code-of.ts';
import { SqliteLogStore } from '../sqlite/log-store.ts';
import { createDataFolder, dataFolder, lockDataFolder } from './data-folder.ts';
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
