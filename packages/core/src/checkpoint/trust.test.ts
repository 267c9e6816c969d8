import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/code-of.ts';
import { createTreeHasher } from '../tree/hash.ts';
import { encodeBase64 } from './base64.ts';
import { signCheckpoint } from './checkpoint.ts';
import { createCosigner } from './cosignature.ts';
import { generateKey, keyIdOf } from './key.ts';
import { addSignatures, createSigner, type NoteSigner, signNote } from './note.ts';
import { parsePolicy } from './policy.ts';
import { formatProofFile, type ProofFile, parseProofFile, verifyProofFile } from './proof-file.ts';
import { createCheckpointJudge } from './trust.ts';

const seed = (i: number) => new Uint8Array(32).fill(i);
const log = createSigner(generateKey('log.example', seed(1)).skey);
const otherLog = createSigner(generateKey('other.example', seed(2)).skey);
const w1 = createCosigner(generateKey('w1.example', seed(3), 4).skey);
const w2 = createCosigner(generateKey('w2.example', seed(4), 4).skey);
const mlDsaKey = new Uint8Array(1312).fill(1);
const mlDsa = { name: 'm.example', keyId: keyIdOf('m.example', 6, mlDsaKey) };
const policy = parsePolicy(
  `log ${log.vkey}\nlog ${otherLog.vkey}\nwitness a ${w1.vkey}\nwitness b ${w2.vkey}\n` +
    `witness m ${mlDsa.name}+${mlDsa.keyId}+${encodeBase64(Uint8Array.of(6, ...mlDsaKey))}\n` +
    'group g 2 a b m\nquorum g\n',
);
const judge = createCheckpointJudge(policy);
const hasher = createTreeHasher();
const leaves = [0, 1].map((i) => hasher.leafHash(Uint8Array.of(i)));
const root = hasher.nodeHash(leaves[0]!, leaves[1]!);
const checkpoint = { origin: 'log.example', size: 2, root };
const noteOf = (...signers: NoteSigner[]) => signCheckpoint(checkpoint, signers);

describe('createCheckpointJudge', () => {
  it('says which log signed, who cosigned and when, and whether that is enough', () => {
    const judged = judge.judge(noteOf(log, w1.at(100), w2.at(200)));
    expect(judged.checkpoint).toEqual({ ...checkpoint, extensions: [] });
    expect(judged.logKeys.map(({ name }) => name)).toEqual(['log.example']);
    expect(judged.cosignatures).toEqual([
      { witness: 'a', timestamp: 100 },
      { witness: 'b', timestamp: 200 },
    ]);
    expect(judged.quorum).toEqual({ satisfied: true, have: 2, need: 2 });
    expect(judge.judge(noteOf(log, w1.at(100))).quorum).toEqual({ satisfied: false, have: 1, need: 2 });
  });

  it('knows which keys the policy has for an origin', () => {
    expect(judge.logKeysOf('other.example').map(({ keyId }) => keyId)).toEqual([otherLog.keyId]);
    expect(judge.logKeysOf('w1.example')).toEqual([]);
  });

  it('does not take the key of one log for another', () => {
    const judged = judge.judge(noteOf(otherLog));
    expect(judged.logKeys).toEqual([]);
    expect(judged.unknown).toEqual([]);
  });

  it('reports keys it does not have, and ML-DSA-44 cosignatures as not supported', () => {
    const stranger = createSigner(generateKey('log.example', seed(9)).skey);
    const pq = { ...mlDsa, signature: new Uint8Array(2428) };
    const judged = judge.judge(addSignatures(noteOf(stranger), [pq]));
    expect(judged.logKeys).toEqual([]);
    expect(judged.unsupported).toEqual(['m.example']);
    expect(judged.unknown.map(({ name }) => name)).toEqual(['log.example', 'm.example']);
    expect(judged.quorum.have).toBe(0);
  });

  it('refuses a wrong signature of a policy key, and a text that is no checkpoint', () => {
    const forged = { ...w1, signature: w2.at(1).sign('x\n') };
    expect(codeOf(() => judge.judge(addSignatures(noteOf(log), [forged])))).toBe('invalid_note');
    expect(codeOf(() => judge.judge(signNote('hello\n', [log])))).toBe('invalid_note');
  });

  it('uses a native verification where one is given', () => {
    let asked = 0;
    const native = () => ++asked > 0;
    createCheckpointJudge(policy, { native }).judge(noteOf(log, w1.at(1)));
    expect(asked).toBe(2);
  });
});

describe('verifyProofFile', () => {
  const proof = (index: number, note: string): ProofFile => ({
    index,
    hashes: [leaves[1 - index]!],
    checkpoint: note,
  });
  const good = noteOf(log, w1.at(1), w2.at(2));

  it('accepts an entry that is in a witnessed tree', () => {
    for (const index of [0, 1]) {
      const file = parseProofFile(formatProofFile(proof(index, good)));
      expect(verifyProofFile(file, leaves[index]!, judge, hasher).quorum.have).toBe(2);
    }
  });

  it('refuses another entry or index', () => {
    expect(codeOf(() => verifyProofFile(proof(0, good), leaves[1]!, judge, hasher))).toBe('invalid_proof');
    expect(codeOf(() => verifyProofFile({ ...proof(0, good), index: 1 }, leaves[0]!, judge, hasher))).toBe(
      'invalid_proof',
    );
    expect(codeOf(() => verifyProofFile({ ...proof(0, good), index: 2 }, leaves[0]!, judge, hasher))).toBe(
      'invalid_proof',
    );
  });

  it('refuses a checkpoint without log or without quorum', () => {
    const unsigned = noteOf(w1.at(1), w2.at(2));
    expect(codeOf(() => verifyProofFile(proof(0, unsigned), leaves[0]!, judge, hasher))).toBe('invalid_note');
    const lonely = noteOf(log, w1.at(1));
    expect(codeOf(() => verifyProofFile(proof(0, lonely), leaves[0]!, judge, hasher))).toBe('invalid_note');
  });
});
