import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { generateKey, parsePolicy } from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../sequencer/testing/temporary-folder.ts';
import { FsKeyStore } from './key-store.ts';

const keyOf = (name: string, seed = name.charCodeAt(0)): ReturnType<typeof generateKey> =>
  generateKey(`audit.example/${name}`, new Uint8Array(32).fill(seed));
const logsIn = (file: string): string[] =>
  parsePolicy(readFileSync(file, 'utf8')).logs.map(({ key }) => key.name);

describe('FsKeyStore', () => {
  it.skipIf(process.platform === 'win32')('keeps private keys where their owner alone can read them', () => {
    using folder = temporaryFolder();
    const keys = new FsKeyStore(folder);
    keys.create('main', keyOf('main').skey);
    const file = path.join(folder.keys, 'main.key');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toBe(`${keyOf('main').skey}\n`);
    expect(keys.read('main')).toBe(keyOf('main').skey);
    expect(keys.read('other')).toBeUndefined();
  });

  it('does not replace a key: it may have signed', () => {
    using folder = temporaryFolder();
    const keys = new FsKeyStore(folder);
    keys.create('main', keyOf('main', 1).skey);
    keys.create('main', keyOf('main', 2).skey);
    expect(keys.read('main')).toBe(keyOf('main', 1).skey);
  });

  it('makes again a key whose writing was cut off', () => {
    using folder = temporaryFolder();
    writeFileSync(path.join(folder.keys, 'main.key.new'), 'PRIVATE+KE');
    const keys = new FsKeyStore(folder);
    expect(keys.read('main')).toBeUndefined();
    keys.create('main', keyOf('main').skey);
    expect(keys.read('main')).toBe(keyOf('main').skey);
  });

  it('removes what a crash has left of keys, and no key', () => {
    using folder = temporaryFolder();
    const keys = new FsKeyStore(folder);
    keys.create('main', keyOf('main').skey);
    writeFileSync(path.join(folder.keys, 'late.key.new'), 'PRIVATE+KE');
    mkdirSync(path.join(folder.keys, 'folder.key.new'));
    keys.removeLeftOvers();
    expect(readdirSync(folder.keys).sort()).toEqual(['folder.key.new', 'main.key']);
  });

  it('names every trusted key once, in order, in a policy that parses', () => {
    using folder = temporaryFolder();
    const keys = new FsKeyStore(folder);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => keyOf(name).vkey) as [string, string, string];
    expect(keys.isTrusted(a)).toBe(false);
    keys.trust([a]);
    keys.trust([a, b]);
    keys.trust([c, b, a]);
    expect(logsIn(folder.policy)).toEqual(['audit.example/a', 'audit.example/b', 'audit.example/c']);
    expect([a, b, c].every((vkey) => keys.isTrusted(vkey))).toBe(true);
    expect(keys.isTrusted(keyOf('d').vkey)).toBe(false);
  });

  it('keeps what the operator has added to the policy', () => {
    using folder = temporaryFolder();
    const { vkey } = keyOf('a');
    const own = `# ours\n  log\t${vkey} https://audit.example/a\nquorum none`;
    writeFileSync(folder.policy, own);
    const keys = new FsKeyStore(folder);
    keys.trust([vkey]);
    expect(readFileSync(folder.policy, 'utf8')).toBe(own);
    keys.trust([vkey, keyOf('b').vkey]);
    expect(readFileSync(folder.policy, 'utf8')).toBe(`${own}\nlog ${keyOf('b').vkey}\n`);
  });
});
