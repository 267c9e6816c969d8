import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../sequencer/testing/temporary-folder.ts';
import { appendDurably, writeDurably } from './durable-file.ts';

describe('a file that is written durably', () => {
  it('is replaced whole: a writer that stops half-way leaves what was there', () => {
    using folder = temporaryFolder();
    const file = path.join(folder.dir, 'file.txt');
    writeDurably(file, 'old\n', 0o600);
    // What a crash in the middle of the next writing leaves behind.
    writeFileSync(`${file}.new`, 'ne');
    expect(readFileSync(file, 'utf8')).toBe('old\n');
    writeDurably(file, 'new\n', 0o600);
    expect(readFileSync(file, 'utf8')).toBe('new\n');
    expect(existsSync(`${file}.new`)).toBe(false);
    appendDurably(file, 'and more\n');
    expect(readFileSync(file, 'utf8')).toBe('new\nand more\n');
  });

  it.skipIf(process.platform === 'win32')('is not written through a link to a file elsewhere', () => {
    using folder = temporaryFolder();
    const [file, elsewhere] = ['file.txt', 'elsewhere.txt'].map((name) => path.join(folder.dir, name)) as [
      string,
      string,
    ];
    writeFileSync(elsewhere, 'of somebody else');
    symlinkSync(elsewhere, `${file}.new`);
    writeDurably(file, 'new\n', 0o600);
    expect(readFileSync(file, 'utf8')).toBe('new\n');
    symlinkSync(elsewhere, `${file}.link`);
    expect(() => appendDurably(`${file}.link`, 'more')).toThrow(expect.objectContaining({ code: 'ELOOP' }));
    expect(readFileSync(elsewhere, 'utf8')).toBe('of somebody else');
  });
});
