import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/code-of.ts';
import { createTreeHasher } from '../tree/hash.ts';
import { verifyConsistency } from '../tree/proof.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.ts';
import { createCosigner, parseCosignature } from './cosignature.ts';
import { generateKey, keyIdOf, parseSkey, parseVkey } from './key.ts';
import {
  addSignatures,
  createSigner,
  formatSignatureLine,
  openNote,
  parseNote,
  signNote,
  verifierFromVkey,
} from './note.ts';
import { evaluateQuorum, parsePolicy } from './policy.ts';
import { formatProofFile, type ProofFile, parseProofFile, verifyProofFile } from './proof-file.ts';
import { createCheckpointJudge } from './trust.ts';

const repository = new URL('../../../../', import.meta.url);
const shared = new URL('../shared/vectors/tlog/', repository);
const absent = !existsSync(shared);
const bytes = (base64: string) => decodeBase64(base64)!;
const fromHex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const sharedFile = (name: string) => JSON.parse(readFileSync(new URL(name, shared), 'utf8'));
const hasher = createTreeHasher();

/** Consistency proof and checkpoint of a C2SP tlog-witness add-checkpoint request. */
function addCheckpointRequest(body: string): { oldSize: number; proof: Uint8Array[]; note: string } {
  const end = body.indexOf('\n\n');
  const [old, ...proof] = body.slice(0, end).split('\n');
  return { oldSize: Number(old!.slice('old '.length)), proof: proof.map(bytes), note: body.slice(end + 2) };
}

describe('a log of 70,000 entries (own-log-70000.json)', () => {
  interface OwnLog {
    keys: {
      name: string;
      type: 1 | 4;
      seedHex: string;
      publicKeyHex: string;
      keyIdHex: string;
      vkey: string;
    }[];
    cosignatureTime: string;
    roots: { size: number; rootBase64: string; signed: string }[];
    inclusion: { treeSize: number; index: number; leafHash: string; tlogProof: string }[];
    consistency: { oldSize: number; newSize: number; addCheckpoint: string }[];
  }
  const log: OwnLog = JSON.parse(readFileSync(new URL('vectors/own-log-70000.json', repository), 'utf8'));
  const [logKey, w1, w2] = log.keys.map((key) => ({
    ...key,
    ...generateKey(key.name, fromHex(key.seedHex), key.type),
  }));
  const policy = parsePolicy(
    `log ${logKey!.vkey}\nwitness w1 ${w1!.vkey}\nwitness w2 ${w2!.vkey}\ngroup g all w1 w2\nquorum g\n`,
  );
  const judge = createCheckpointJudge(policy);
  const verifier = verifierFromVkey(logKey!.vkey);

  it('has the keys', () => {
    for (const { name, type, seedHex, publicKeyHex, keyIdHex, vkey } of log.keys) {
      const pair = generateKey(name, fromHex(seedHex), type);
      expect(pair.vkey).toBe(vkey);
      expect(parseVkey(vkey)).toEqual({ name, type, keyId: keyIdHex, publicKey: fromHex(publicKeyHex) });
    }
  });

  it('has the signed checkpoints, byte for byte', () => {
    const signer = createSigner(logKey!.skey);
    for (const { size, rootBase64, signed } of log.roots) {
      const checkpoint = { origin: logKey!.name, size, root: bytes(rootBase64), extensions: [] };
      expect(signCheckpoint(checkpoint, [signer])).toBe(signed);
      expect(openCheckpoint(signed, [verifier]).checkpoint).toEqual(checkpoint);
    }
  });

  it('has the cosigned proof files, byte for byte', () => {
    const time = Number(log.cosignatureTime);
    const cosigners = [w1!, w2!].map(({ skey }) => createCosigner(skey).at(time));
    const signed = new Map(log.roots.map(({ size, signed: note }) => [size, note]));
    for (const { treeSize, index, leafHash, tlogProof } of log.inclusion) {
      const proof = parseProofFile(tlogProof);
      expect(proof.index).toBe(index);
      expect(formatProofFile(proof)).toBe(tlogProof);
      const { text } = parseNote(proof.checkpoint);
      const lines = cosigners.map(({ name, keyId, sign }) => ({ name, keyId, signature: sign(text) }));
      expect(addSignatures(signed.get(treeSize)!, lines)).toBe(proof.checkpoint);
      const judged = verifyProofFile(proof, bytes(leafHash), judge, hasher);
      expect(judged.cosignatures).toEqual([
        { witness: 'w1', timestamp: time },
        { witness: 'w2', timestamp: time },
      ]);
    }
  });

  it('has consistent checkpoints', () => {
    const rootOf = new Map(log.roots.map(({ size, rootBase64 }) => [size, bytes(rootBase64)]));
    for (const { oldSize, newSize, addCheckpoint } of log.consistency) {
      const request = addCheckpointRequest(addCheckpoint);
      const { size, root } = openCheckpoint(request.note, [verifier]).checkpoint;
      expect([request.oldSize, size]).toEqual([oldSize, newSize]);
      verifyConsistency(oldSize, newSize, rootOf.get(oldSize)!, root, request.proof, hasher);
    }
  });
});

describe.skipIf(absent)('shared signed-note vectors (skipped where the shared folder is absent)', () => {
  interface NoteCase {
    name: string;
    skey?: string;
    vkey?: string;
    vkeys?: string[];
    secondSeedHex?: string;
    text?: string;
    note?: string;
    badVkeys?: string[];
    badText?: string[];
    badKeyNames?: string[];
  }
  const load = (): NoteCase[] => sharedFile('signed-note.json').cases;

  it('sign and open byte for byte', () => {
    const [first, second] = load();
    const peter = createSigner(first!.skey!);
    expect(peter.vkey).toBe(first!.vkey);
    expect(signNote(first!.text!, [peter])).toBe(first!.note);
    const enoch = createSigner(generateKey('EnochRoot', fromHex(second!.secondSeedHex!)).skey);
    expect(signNote(second!.text!, [peter, enoch])).toBe(second!.note);
    for (const { vkey, vkeys, note, text } of load())
      if (note !== undefined) expect(openNote(note, [verifierFromVkey(vkey ?? vkeys![0]!)]).text).toBe(text);
  });

  it('refuse bad keys, texts and names', () => {
    const bad = (pick: (entry: NoteCase) => string[] | undefined) =>
      load().flatMap((entry) => pick(entry) ?? []);
    expect(bad(({ badVkeys }) => badVkeys).length).toBeGreaterThan(0);
    for (const vkey of bad(({ badVkeys }) => badVkeys))
      expect(codeOf(() => parseVkey(vkey))).toBe('invalid_note');
    const signer = createSigner(load()[0]!.skey!);
    for (const text of bad(({ badText }) => badText))
      expect(codeOf(() => signNote(text, [signer]))).toBe('invalid_note');
    for (const name of bad(({ badKeyNames }) => badKeyNames))
      expect(codeOf(() => generateKey(name, new Uint8Array(32)))).toBe('invalid_configuration');
  });
});

describe.skipIf(absent)('shared checkpoint vectors (skipped where the shared folder is absent)', () => {
  const load = () => sharedFile('checkpoint.json');

  it('read and write bodies, refuse malformed ones', () => {
    for (const { origin, size, rootBase64, body } of load().bodies) {
      expect(formatCheckpoint({ origin, size: Number(size), root: bytes(rootBase64) })).toBe(body);
      expect(encodeBase64(parseCheckpoint(body).root)).toBe(rootBase64);
    }
    for (const { desc, body } of load().malformedBodies.cases)
      expect(
        codeOf(() => parseCheckpoint(body)),
        desc,
      ).toBe('invalid_note');
  });

  it('open checkpoints of sum.golang.org', () => {
    for (const { vkey, note } of load().signed)
      expect(openCheckpoint(note, [verifierFromVkey(vkey)]).checkpoint.origin).toBe('go.sum database tree');
  });

  it("open every checkpoint of Tessera's test log and sign it alike", () => {
    const { origin, skey, vkey, checkpointsBySize } = sharedFile('tessera-testdata-log.json');
    const signer = createSigner(skey);
    expect(parseSkey(skey).name).toBe(origin);
    for (const [size, note] of Object.entries<string>(checkpointsBySize)) {
      const { checkpoint } = openCheckpoint(note, [verifierFromVkey(vkey)]);
      expect(checkpoint).toMatchObject({ origin, size: Number(size) });
      expect(signCheckpoint(checkpoint, [signer])).toBe(note);
    }
  });
});

describe.skipIf(absent)('shared cosignature vectors (skipped where the shared folder is absent)', () => {
  const load = () => sharedFile('cosignature-v1-ed25519.json');

  it('make the same cosignatures and verify them', () => {
    for (const { cosignerVkey, cosignerSeedHex, timestamp, checkpoint } of load().cases) {
      const { name } = parseVkey(cosignerVkey);
      const cosigner = createCosigner(generateKey(name, fromHex(cosignerSeedHex), 4).skey);
      expect(cosigner.vkey).toBe(cosignerVkey);
      const opened = openCheckpoint(checkpoint, [verifierFromVkey(cosignerVkey)]);
      const { text } = parseNote(checkpoint);
      const signature = cosigner.at(Number(timestamp)).sign(text);
      expect(opened.verified).toEqual([{ name, keyId: cosigner.keyId, signature }]);
      expect(checkpoint).toContain(formatSignatureLine(opened.verified[0]!));
    }
  });

  it('read the time of a cosignature', () => {
    const { signatureBase64, timestamp } = load().timestampParse;
    expect(parseCosignature(bytes(signatureBase64).subarray(4))?.timestamp).toBe(Number(timestamp));
    expect(parseVkey(load().vkeyTypeConversion.vkey).type).toBe(4);
  });

  it('refuse the published ML-DSA-44 key, whose key id is wrong', () => {
    const { vkey } = load().mldsa44Vkey;
    expect(codeOf(() => parseVkey(vkey))).toBe('invalid_note');
    const publicKey = bytes(vkey.split('+').slice(2).join('+')).subarray(1);
    expect(publicKey).toHaveLength(1312);
    expect(keyIdOf('test', 0x06, publicKey)).toBe('31236897');
    expect(parseVkey(vkey.replace('5893dc2c', '31236897')).type).toBe(0x06);
  });
});

describe.skipIf(absent)('shared policy and proof vectors (skipped where the shared folder is absent)', () => {
  it('policies', () => {
    const { valid, invalid } = sharedFile('tlog-policy.json');
    for (const { policy: text, quorumN } of valid) {
      const policy = parsePolicy(text);
      expect(evaluateQuorum(policy, new Set()).need).toBe(quorumN);
    }
    for (const { policy: text, why } of invalid)
      expect(
        codeOf(() => parsePolicy(text)),
        why,
      ).toBe('invalid_policy');
  });

  it('proof file format', () => {
    const { encode, rejects } = sharedFile('tlog-proof-format.json');
    for (const { index, extraBase64, hashes, checkpoint, want } of encode) {
      const proof: ProofFile = {
        index: Number(index),
        hashes: hashes.map(bytes),
        checkpoint,
        ...(extraBase64 === undefined ? {} : { extra: bytes(extraBase64) }),
      };
      expect(formatProofFile(proof)).toBe(want);
      expect(parseProofFile(want)).toEqual(proof);
    }
    for (const text of rejects)
      expect(
        codeOf(() => parseProofFile(text)),
        text,
      ).toBe('invalid_proof');
  });

  it("proofs and cosignatures over Tessera's test log", () => {
    const { logVkey, witness, tlogProofs, addCheckpointSequence } = sharedFile(
      'derived-tessera-proofs-and-cosignatures.json',
    );
    const judge = createCheckpointJudge(
      parsePolicy(`log ${logVkey}\nwitness w ${witness.vkey}\nquorum none\n`),
    );
    for (const { index, treeSize, entryUtf8, leafHash, tlogProof } of tlogProofs) {
      const leaf = hasher.leafHash(new TextEncoder().encode(entryUtf8));
      expect(encodeBase64(leaf)).toBe(leafHash);
      const judged = verifyProofFile(parseProofFile(tlogProof), leaf, judge, hasher);
      expect([judged.checkpoint.size, parseProofFile(tlogProof).index]).toEqual([treeSize, index]);
    }
    const cosigner = createCosigner(generateKey(witness.name, fromHex(witness.seedHex), 4).skey).at(
      1_767_139_200,
    );
    let previous = hasher.emptyRoot;
    for (const { oldSize, newSize, requestBody, responseBodyAtTime1767139200 } of addCheckpointSequence) {
      const { proof, note } = addCheckpointRequest(requestBody);
      const { checkpoint } = judge.judge(note);
      expect(checkpoint.size).toBe(newSize);
      if (oldSize === 0) expect(proof).toEqual([]);
      else verifyConsistency(oldSize, newSize, previous, checkpoint.root, proof, hasher);
      previous = checkpoint.root;
      const line = formatSignatureLine({ ...cosigner, signature: cosigner.sign(parseNote(note).text) });
      expect(line).toBe(responseBodyAtTime1767139200);
    }
  });

  it('origins hash to the names that witnesses publish under', () => {
    for (const { origin, sha256Hex } of sharedFile('checkpoint.json').originHashes.cases)
      expect(createHash('sha256').update(origin).digest('hex')).toBe(sha256Hex);
  });

  it('requests to a witness: signature and proof decide as expected', () => {
    const { logOrigin, logPublicKeyHex, cases } = sharedFile('witness-add-checkpoint.json') as {
      logOrigin: string;
      logPublicKeyHex: string;
      cases: { name: string; requestBody: string; wantStatus: number }[];
    };
    const publicKey = fromHex(logPublicKeyHex);
    const vkey = `${logOrigin}+${keyIdOf(logOrigin, 1, publicKey)}+${encodeBase64(Uint8Array.of(1, ...publicKey))}`;
    const verifier = verifierFromVkey(vkey);
    // The state machine of a witness in short: what is left are the checks that this package makes.
    let seen = { size: 0, root: hasher.emptyRoot };
    for (const { name, requestBody, wantStatus } of cases) {
      const request = addCheckpointRequest(requestBody);
      // Its wrong signature also has unused base64 bits set: Go decodes that, strict base64 calls it malformed.
      const want = name === 'invalid signature' ? 400 : wantStatus;
      expect(statusOf(request), name).toBe(want);
    }
    function statusOf({ oldSize, proof, note }: ReturnType<typeof addCheckpointRequest>): number {
      if (codeOf(() => parseCheckpoint(parseNote(note).text)) !== undefined) return 400;
      if (parseCheckpoint(parseNote(note).text).origin !== logOrigin) return 404;
      if (codeOf(() => openCheckpoint(note, [verifier])) !== undefined) return 403;
      const { size, root } = openCheckpoint(note, [verifier]).checkpoint;
      if (oldSize > size) return 400;
      if (oldSize !== seen.size) return 409;
      const check = () => verifyConsistency(oldSize, size, seen.root, root, proof, hasher);
      if (oldSize > 0 ? codeOf(check) !== undefined : proof.length > 0) return 422;
      seen = { size, root };
      return 200;
    }
  });
});
