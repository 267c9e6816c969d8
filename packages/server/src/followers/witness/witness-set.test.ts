import { formatVkey, generateKey, keyTypes, SealtrailError } from '@sealtrail/core';
import { expect, it } from 'vitest';
import { nativeEd25519Verify } from '../../adapters/native-ed25519.ts';
import { parseWitnesses } from './witness-set.ts';

const vkey = (seed: number, name = `w${seed}.example`): string =>
  generateKey(name, new Uint8Array(32).fill(seed), 4).vkey;
const read = (text: string): ReturnType<typeof parseWitnesses> => parseWitnesses(text, nativeEd25519Verify);

it('takes a trust policy as it is given to verify, with an address for each witness', () => {
  const log = generateKey('log.example', new Uint8Array(32).fill(99)).vkey;
  const { witnesses, judge } = read(
    `# of a test\nlog ${log} https://log.example\nwitness a ${vkey(1)} https://a.example/log//\nwitness b ${vkey(2)} http://10.0.0.1:8080\ngroup g any a b\nquorum g\n`,
  );
  expect(witnesses.map(({ name, url, verifier }) => [name, url, verifier.key.name])).toEqual([
    ['a', 'https://a.example/log', 'w1.example'],
    ['b', 'http://10.0.0.1:8080', 'w2.example'],
  ]);
  expect(judge.policy.quorum).toBe('g');
});

it('names the line of what is wrong', () => {
  const mlDsa44 = formatVkey({
    name: 'ml.example',
    type: keyTypes.cosignatureMlDsa44,
    publicKey: new Uint8Array(1312),
  });
  for (const [line, reason] of [
    [`witness a ${vkey(1)}`, 'address'],
    [`witness a ${vkey(1)} w.example`, 'address'],
    [`witness a ${vkey(1)} file:///etc`, 'http'],
    [`witness a ${vkey(1)} https://user:secret@w.example`, 'user'],
    [`witness a ${vkey(1)} https://w.example/?key=secret`, 'query'],
    [`witness a ${mlDsa44} https://w.example`, 'ML-DSA-44'],
    ['witness a nonsense https://w.example', 'key'],
    ['witness', 'witness <name> <vkey>'],
  ] as const) {
    const error = errorOf(() => read(`quorum none\n\n# of a test\n${line}\n`));
    expect(error).toMatchObject({ code: 'invalid_policy', message: expect.stringContaining('line 4 of ') });
    expect(error.message).toContain(reason);
    expect(error.message).not.toContain('secret');
  }
});

it('takes at least one witness, and not more than a checkpoint has room for', () => {
  const lines = (count: number): string =>
    Array.from({ length: count }, (_, i) => `witness w${i} ${vkey(i + 1)} https://w.example/${i}\n`).join('');
  expect(read(`${lines(32)}quorum none\n`).witnesses).toHaveLength(32);
  for (const count of [0, 33])
    expect(errorOf(() => read(`${lines(count)}quorum none\n`))).toMatchObject({ code: 'invalid_policy' });
});

function errorOf(work: () => unknown): SealtrailError {
  try {
    work();
  } catch (error) {
    if (error instanceof SealtrailError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
