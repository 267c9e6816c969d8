import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../sequencer/testing/temporary-folder.ts';
import { codeOf } from '../testing/code-of.ts';
import { isThere, readRegularFile, sizeOfRegularFile, startOfRegularFile } from './regular-file.ts';

describe('a regular file', () => {
  it('is read, whole or its start', () => {
    using folder = temporaryFolder();
    const file = path.join(folder.dir, 'file.txt');
    writeFileSync(file, 'für alle');
    expect(readRegularFile(file, 9)).toBe('für alle');
    expect(sizeOfRegularFile(file)).toBe(9);
    expect(startOfRegularFile(file, 1)).toEqual(Buffer.from('f'));
    expect(startOfRegularFile(file, 100)).toEqual(Buffer.from('für alle'));
  });

  it('may be missing', () => {
    using folder = temporaryFolder();
    const file = path.join(folder.dir, 'file.txt');
    expect([isThere(file), sizeOfRegularFile(file), readRegularFile(file, 9)]).toEqual([false, 0, undefined]);
  });

  it('is not read when it is larger than such a file ever is', () => {
    using folder = temporaryFolder();
    const file = path.join(folder.dir, 'file.txt');
    writeFileSync(file, '');
    truncateSync(file, 2 ** 40);
    expect(codeOf(() => readRegularFile(file, 4096))).toBe('data_folder_invalid');
  });
});

describe('what is no regular file', () => {
  const make: Readonly<Record<string, (at: string) => void>> = {
    'a folder': (at) => mkdirSync(at),
    'a link to a file': (at) => {
      writeFileSync(`${at}.txt`, 'of somebody else');
      symlinkSync(`${at}.txt`, at);
    },
    'a link to a device': (at) => symlinkSync('/dev/zero', at),
    'a link that leads nowhere': (at) => symlinkSync('nowhere', at),
    ...(process.platform !== 'win32' && { 'a pipe': (at) => execFileSync('mkfifo', [at]) }),
  };
  it.each(Object.keys(make))('is there, and not read: %s', (kind) => {
    using folder = temporaryFolder();
    const file = path.join(folder.dir, 'file');
    make[kind]!(file);
    expect(isThere(file)).toBe(true);
    for (const read of [
      () => readRegularFile(file, 4096),
      () => startOfRegularFile(file, 1),
      () => sizeOfRegularFile(file),
    ])
      expect(codeOf(read)).toBe('data_folder_invalid');
  });

  it.skipIf(process.platform === 'win32')('is not opened even where it is a device', () => {
    expect(codeOf(() => readRegularFile('/dev/zero', 4096))).toBe('data_folder_invalid');
  });
});
