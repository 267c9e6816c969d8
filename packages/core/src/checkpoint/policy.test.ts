import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SealtrailError } from '../errors.ts';
import { codeOf } from '../testing/code-of.ts';
import { encodeBase64 } from './base64.ts';
import { formatVkey, generateKey, keyIdOf, keyTypes } from './key.ts';
import { evaluateQuorum, parsePolicy } from './policy.ts';

const vkey = (i: number, type: 1 | 4 = 4) =>
  generateKey(`key${i}.example`, new Uint8Array(32).fill(i), type).vkey;
const log = `log ${vkey(200, 1)}`;
const witnesses = (count: number) =>
  Array.from({ length: count }, (_, i) => `witness w${i} ${vkey(i + 1)}\n`).join('');
const mlDsaKey = new Uint8Array(1312).fill(1);
const mlDsaVkey = `m+${keyIdOf('m', 6, mlDsaKey)}+${encodeBase64(Uint8Array.of(6, ...mlDsaKey))}`;

describe('parsePolicy', () => {
  it('reads logs, witnesses, groups and the quorum', () => {
    const policy = parsePolicy(
      `# a comment\n\n  \t\n\t# another\n${log}\thttps://log.example/\n` +
        `witness w0  ${vkey(1)} https://w.example/#here\nwitness W\u00fc ${vkey(2)}\ngroup g 1 w0 W\u00fc\nquorum g`,
    );
    expect(policy.logs.map(({ key, url }) => [key.name, url])).toEqual([
      ['key200.example', 'https://log.example/'],
    ]);
    expect(policy.witnesses.map(({ name, key, url }) => [name, key.name, url])).toEqual([
      ['w0', 'key1.example', 'https://w.example/#here'],
      ['W\u00fc', 'key2.example', undefined],
    ]);
    expect(policy.groups).toEqual([{ name: 'g', threshold: 1, members: ['w0', 'W\u00fc'] }]);
    expect(policy.quorum).toBe('g');
    expect(parsePolicy('quorum none\n').quorum).toBeUndefined();
  });

  it('takes a witness given by a plain Ed25519 key for the cosignature key of the same name', () => {
    const [plain] = parsePolicy(`witness w ${vkey(1, 1)}\nquorum w\n`).witnesses;
    const [native] = parsePolicy(`witness w ${vkey(1, 4)}\nquorum w\n`).witnesses;
    expect(plain).toEqual(native);
    expect(plain?.key.type).toBe(keyTypes.cosignature);
  });

  it('keeps an ML-DSA-44 witness, whose cosignatures cannot be checked', () => {
    expect(parsePolicy(`witness m ${mlDsaVkey}\nquorum m\n`).witnesses[0]?.key.type).toBe(0x06);
  });

  it('holds at least 32 logs, witnesses and groups', () => {
    let text = '';
    for (let i = 0; i < 32; i++)
      text += `log ${vkey(100 + i, 1)}\nwitness w${i} ${vkey(i + 1)}\ngroup g${i} all w${i}\n`;
    const policy = parsePolicy(`${text}quorum g31\n`);
    expect([policy.logs.length, policy.witnesses.length, policy.groups.length]).toEqual([32, 32, 32]);
  });

  it.each([
    ['nothing', ''],
    ['no quorum', log],
    ['two quorums', 'quorum none\nquorum none\n'],
    ['a quorum without name', 'quorum\n'],
    ['a quorum of two', `${witnesses(2)}quorum w0 w1\n`],
    ['a quorum defined later', `quorum w0\n${witnesses(1)}`],
    ['an unknown keyword', 'logs none\nquorum none\n'],
    ['a comment at the end of a line', 'quorum none # comment\n'],
    ['a log without key', 'log\nquorum none\n'],
    ['a log with two addresses', `${log} a b\nquorum none\n`],
    ['a log with a witness key', `log ${vkey(1, 4)}\nquorum none\n`],
    ['a log with a broken key', `${log.slice(0, -1)}\nquorum none\n`],
    ['a witness without key', 'witness w\nquorum none\n'],
    ['a witness without anything', 'witness\nquorum none\n'],
    ['a witness with two addresses', `witness w ${vkey(1)} a b\nquorum none\n`],
    ['a name twice', `witness w ${vkey(1)}\nwitness w ${vkey(2)}\nquorum none\n`],
    ['a group named as a witness', `${witnesses(1)}group w0 all w0\nquorum none\n`],
    ['a key twice', `witness a ${vkey(1)}\nwitness b ${vkey(1)}\nquorum none\n`],
    ['a key twice under two types', `witness a ${vkey(1, 1)}\nwitness b ${vkey(1, 4)}\nquorum none\n`],
    ['a log that is its own witness', `log ${vkey(1, 1)}\nwitness b ${vkey(1, 4)}\nquorum none\n`],
    ['a group without members', 'group g all\nquorum none\n'],
    ['a group without anything', 'group\nquorum none\n'],
    ['a group without count', 'group g\nquorum none\n'],
    ['a member that is not defined', `${witnesses(1)}group g all w0 w1\nquorum none\n`],
    ['a group in itself', 'group g all g\nquorum none\n'],
    ['the member none', 'group g any none\nquorum none\n'],
    ['a member twice', `${witnesses(1)}group g any w0 w0\nquorum none\n`],
    ['a member of two groups', `${witnesses(1)}group g any w0\ngroup h any w0\nquorum none\n`],
    ['a group of 0', `${witnesses(1)}group g 0 w0\nquorum none\n`],
    ['a group of more than there are', `${witnesses(1)}group g 2 w0\nquorum none\n`],
    ['a count that is no number', `${witnesses(1)}group g one w0\nquorum none\n`],
    ['a count with a leading zero', `${witnesses(1)}group g 01 w0\nquorum none\n`],
    ['a carriage return', 'quorum none\n#\r\n'],
    ['a vertical tab', 'quorum none\n#\u000b\n'],
    ['a form feed', 'quorum none\n#\f\n'],
    ['a delete character', 'quorum none\n#\u007f\n'],
    ['a lone surrogate', 'quorum none\n#\ud800\n'],
  ])('refuses: %s', (_, text) => {
    expect(codeOf(() => parsePolicy(text))).toBe('invalid_policy');
  });

  it('refuses reserved names', () => {
    for (const name of ['none', 'all', 'any']) {
      expect(codeOf(() => parsePolicy(`witness ${name} ${vkey(1)}\nquorum none\n`))).toBe('invalid_policy');
      expect(codeOf(() => parsePolicy(`${witnesses(1)}group ${name} all w0\nquorum none\n`))).toBe(
        'invalid_policy',
      );
    }
  });

  it('names the line', () => {
    expect(() => parsePolicy('\n\nnonsense\n')).toThrow(
      expect.objectContaining({ message: expect.stringContaining('line 3') }),
    );
  });

  it('bounds characters and definitions', () => {
    const comment = '#'.repeat(15_999_987);
    expect(parsePolicy(`${comment}\nquorum none\n`).quorum).toBeUndefined();
    expect(codeOf(() => parsePolicy(`${comment}#\nquorum none\n`))).toBe('invalid_policy');
    const groups = (count: number) =>
      Array.from({ length: count }, (_, i) => `group g${i} any ${i === 0 ? 'w0' : `g${i - 1}`}\n`).join('');
    expect(parsePolicy(`${witnesses(1)}${groups(999)}quorum none\n`).groups).toHaveLength(999);
    expect(codeOf(() => parsePolicy(`${witnesses(1)}${groups(1000)}quorum none\n`))).toBe('invalid_policy');
  });

  it('reads the policy of a folder with 5,000 trails, and finds a key in it that is there twice', () => {
    // A point and its sum with the base point again and again: valid keys without 5,000 multiplications.
    let point = ed25519.Point.BASE;
    const lines = Array.from({ length: 5000 }, (_, i) => {
      point = point.add(ed25519.Point.BASE);
      const name = `sealtrail.invalid/0123456789ab/customer-${i}`;
      return `log ${formatVkey({ name, type: keyTypes.ed25519, publicKey: point.toBytes() })}\n`;
    });
    const { logs } = parsePolicy(`quorum none\n${lines.join('')}`);
    expect([logs.length, logs.at(-1)?.key.name]).toEqual([
      5000,
      'sealtrail.invalid/0123456789ab/customer-4999',
    ]);
    expect(() => parsePolicy(`quorum none\n${lines.join('')}${lines[7]}`)).toThrow(
      expect.objectContaining({ code: 'invalid_policy', message: expect.stringContaining('line 5002') }),
    );
  });

  it('reading any text gives a policy or invalid_policy', () => {
    const word = fc.constantFrom(
      'log',
      'witness',
      'group',
      'quorum',
      'none',
      'all',
      'any',
      '1',
      'w',
      'g',
      vkey(1),
      vkey(2, 1),
      '\n',
      '#',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word, { maxLength: 20 }).map((words) => words.join(' ')),
        ),
        (text) => {
          try {
            expect(parsePolicy(text).logs).toBeDefined();
          } catch (error) {
            expect(error).toBeInstanceOf(SealtrailError);
            expect((error as SealtrailError).code).toBe('invalid_policy');
          }
        },
      ),
    );
  });
});

describe('evaluateQuorum', () => {
  const nested = parsePolicy(
    `${witnesses(6)}group x 2 w0 w1 w2\ngroup y any w3 w4\ngroup both all x y\nquorum both\n`,
  );
  const evaluate = (...cosigned: string[]) => evaluateQuorum(nested, new Set(cosigned));

  it('asks of each group as many members as it says', () => {
    expect(evaluate()).toEqual({ satisfied: false, have: 0, need: 3 });
    expect(evaluate('w0', 'w3')).toEqual({ satisfied: false, have: 2, need: 3 });
    expect(evaluate('w0', 'w1', 'w4')).toEqual({ satisfied: true, have: 3, need: 3 });
    expect(evaluate('w0', 'w1', 'w2')).toEqual({ satisfied: false, have: 3, need: 3 });
    expect(evaluate('w0', 'w1', 'w2', 'w3', 'w4')).toEqual({ satisfied: true, have: 5, need: 3 });
  });

  it('does not count witnesses outside of the quorum, nor names that are none', () => {
    expect(evaluate('w5', 'somebody')).toEqual({ satisfied: false, have: 0, need: 3 });
  });

  it('needs the cheapest members of a group of groups', () => {
    const policy = parsePolicy(
      `${witnesses(5)}group big all w0 w1 w2\ngroup small all w3\ngroup g 2 big small w4\nquorum g\n`,
    );
    expect(evaluateQuorum(policy, new Set())).toMatchObject({ need: 2 });
    expect(evaluateQuorum(policy, new Set(['w3', 'w4'])).satisfied).toBe(true);
  });

  it('a single witness is a quorum, and none needs nobody', () => {
    const one = parsePolicy(`${witnesses(1)}quorum w0\n`);
    expect(evaluateQuorum(one, new Set(['w0']))).toEqual({ satisfied: true, have: 1, need: 1 });
    const none = parsePolicy(`${witnesses(2)}quorum none\n`);
    expect(evaluateQuorum(none, new Set(['w0', 'w1']))).toEqual({ satisfied: true, have: 2, need: 0 });
  });
});
