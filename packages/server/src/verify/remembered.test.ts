import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../sequencer/testing/temporary-folder.ts';
import { codeOf } from '../testing/code-of.ts';
import { RememberedCheckpoints } from './remembered.ts';

describe('RememberedCheckpoints', () => {
  it('keeps those of 20,000 trails from one time to the next, and those of before beside new ones', () => {
    using folder = temporaryFolder();
    const file = path.join(folder.dir, 'seen.json');
    const note = `${'origin and root of a checkpoint '.repeat(12)}\n`;
    const notes = Array.from({ length: 20_000 }, (_, i) => [`audit.example/customer-${i}`, note] as const);
    new RememberedCheckpoints(file).put(notes);
    new RememberedCheckpoints(file).put([['audit.example/main', 'new']]);
    const remembered = new RememberedCheckpoints(file);
    expect(notes.every(([key]) => remembered.get(key) === note)).toBe(true);
    expect(remembered.get('audit.example/main')).toBe('new');
  });

  it('refuses a file that is larger than any that it writes', () => {
    using folder = temporaryFolder();
    const file = path.join(folder.dir, 'seen.json');
    writeFileSync(file, `{"a": "${'x'.repeat(64_000_000)}"}`);
    expect(codeOf(() => new RememberedCheckpoints(file))).toBe('invalid_configuration');
  });

  it('may be kept behind a link, and refuses what is no file', () => {
    using folder = temporaryFolder();
    const [file, link] = ['seen.json', 'link.json'].map((name) => path.join(folder.dir, name)) as [
      string,
      string,
    ];
    writeFileSync(file, '{"a": "old"}');
    symlinkSync(file, link);
    const remembered = new RememberedCheckpoints(link);
    expect(remembered.get('a')).toBe('old');
    remembered.put([['a', 'new']]);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ a: 'new' });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    const other = path.join(folder.dir, 'folder');
    mkdirSync(other);
    expect(codeOf(() => new RememberedCheckpoints(other))).toBe('invalid_configuration');
  });
});
