import { appendFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { generateKey } from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import type { WriteFault } from '../../ports.ts';
import { temporaryFolder } from '../../sequencer/testing/temporary-folder.ts';
import { codeOf } from '../../testing/code-of.ts';
import { PolicyFile, readPolicyFile } from './policy-file.ts';

const keyOf = (name: string): string =>
  generateKey(`audit.example/${name}`, new Uint8Array(32).fill(name.charCodeAt(0))).vkey;
const [a, b, c] = ['a', 'b', 'c'].map(keyOf) as [string, string, string];
const logsIn = (file: string): string[] =>
  readPolicyFile(file).logs.map(({ key }) => key.name.replace('audit.example/', ''));

describe('PolicyFile', () => {
  it('adds a line for a new key, and leaves the file what it is otherwise', () => {
    using folder = temporaryFolder();
    const policy = new PolicyFile(folder.policy);
    policy.add([a]);
    const { ino } = statSync(folder.policy);
    const before = readFileSync(folder.policy, 'utf8');
    policy.add([a, b]);
    policy.add([b]);
    expect(readFileSync(folder.policy, 'utf8')).toBe(`${before}log ${b}\n`);
    // Not written anew: what a key costs does not grow with the number of keys.
    expect(statSync(folder.policy).ino).toBe(ino);
    expect([policy.has(a), policy.has(b), policy.has(c)]).toEqual([true, true, false]);
  });

  it('takes notice of what the operator does to the file meanwhile', () => {
    using folder = temporaryFolder();
    const policy = new PolicyFile(folder.policy);
    policy.add([a]);
    appendFileSync(folder.policy, `log ${b} https://audit.example/b\n# ours`);
    expect(policy.has(b)).toBe(true);
    policy.add([b, c]);
    expect(readFileSync(folder.policy, 'utf8').endsWith(`/b\n# ours\nlog ${c}\n`)).toBe(true);
    rmSync(folder.policy);
    expect(policy.has(a)).toBe(false);
    policy.add([a]);
    expect(logsIn(folder.policy)).toEqual(['a']);
  });

  it('repairs a line that a crash cut off, wherever it was cut, and reads without it until then', () => {
    using folder = temporaryFolder();
    const whole = `quorum none\nlog ${a}\n`;
    const line = `log ${b}\n`;
    for (let kept = 0; kept <= line.length; kept++) {
      for (const room of [0, 30]) {
        const part = line.slice(0, kept) + '\0'.repeat(kept === line.length ? 0 : room);
        writeFileSync(folder.policy, whole + part);
        // Complete, it counts with and without its line feed.
        const isComplete = kept >= line.length - 1 && !part.includes('\0');
        expect([part, logsIn(folder.policy)]).toEqual([part, isComplete ? ['a', 'b'] : ['a']]);
        new PolicyFile(folder.policy).add([a, b]);
        new PolicyFile(folder.policy).add([a, b, c]);
        expect(logsIn(folder.policy)).toEqual(['a', 'b', 'c']);
        expect(readFileSync(folder.policy, 'utf8')).toBe(`${whole}${line}log ${c}\n`);
      }
    }
  });

  it('repairs only what it can have written itself', () => {
    using folder = temporaryFolder();
    writeFileSync(folder.policy, `quorum none\nlog ${a}\nwitness x`);
    expect(codeOf(() => readPolicyFile(folder.policy))).toBe('invalid_policy');
    new PolicyFile(folder.policy).add([a, b]);
    expect(readFileSync(folder.policy, 'utf8')).toBe(`quorum none\nlog ${a}\nwitness x\nlog ${b}\n`);
    writeFileSync(folder.policy, 'nonsense\nlog');
    expect(codeOf(() => readPolicyFile(folder.policy))).toBe('invalid_policy');
    writeFileSync(folder.policy, 'nonsense\n');
    expect(codeOf(() => readPolicyFile(folder.policy))).toBe('invalid_policy');
  });

  it.each(['before', 'after'] as const)('adds a key again whose addition failed %s it was written', (at) => {
    using folder = temporaryFolder();
    let isFailing = false;
    const fault: WriteFault = (point, phase) => {
      if (isFailing && point === 'trust' && phase === at) throw new Error('injected');
    };
    const policy = new PolicyFile(folder.policy, fault);
    policy.add([a]);
    const { ino } = statSync(folder.policy);
    isFailing = true;
    expect(() => policy.add([b])).toThrow('injected');
    isFailing = false;
    policy.add([b]);
    expect(logsIn(folder.policy)).toEqual(['a', 'b']);
    // Whether the failed one is on the disk nobody knows: so the file is written anew, and then added to as before.
    const again = statSync(folder.policy).ino;
    expect(again).not.toBe(ino);
    policy.add([b, c]);
    expect(logsIn(folder.policy)).toEqual(['a', 'b', 'c']);
    expect(statSync(folder.policy).ino).toBe(again);
  });
});
