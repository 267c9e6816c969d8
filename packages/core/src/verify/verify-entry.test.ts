import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCosigner } from '../checkpoint/cosignature.ts';
import { generateKey } from '../checkpoint/key.ts';
import { createSigner } from '../checkpoint/note.ts';
import { parsePolicy } from '../checkpoint/policy.ts';
import { formatProofFile } from '../checkpoint/proof-file.ts';
import { logKey, logSigner, MemoryTrail, noteAt, ORIGIN } from '../testing/memory-trail.ts';
import { proveInclusion } from '../tree/proof.ts';
import { type EntryVerdict, verifyEntry } from './verify-entry.ts';

const SIZE = 300;
const trail = new MemoryTrail(SIZE, []);
const tree = trail.tree();
const witness = createCosigner(generateKey('w.example', new Uint8Array(32).fill(3), 4).skey);
const policy = parsePolicy(`log ${logKey.vkey}\nquorum none\n`);
const witnessed = parsePolicy(`log ${logKey.vkey}\nwitness w ${witness.vkey}\nquorum w\n`);
const proofOf = (index: number, signers = [logSigner]) =>
  formatProofFile({
    index,
    hashes: proveInclusion(index, SIZE, tree.getNode, tree.hasher),
    checkpoint: noteAt(tree, SIZE, signers),
  });
const outcomes = ({ checks }: EntryVerdict) =>
  Object.fromEntries(checks.map(({ check, status, code }) => [check, status === 'failed' ? code : status]));

describe('verifyEntry', () => {
  it('proves an entry that is in the log', () => {
    for (const index of [0, 128, 255, 256, 299]) {
      const verdict = verifyEntry(trail.entries[index]!, proofOf(index), { policy, origin: ORIGIN });
      expect(verdict).toMatchObject({
        ok: true,
        code: 'intact',
        origin: ORIGIN,
        index,
        assurance: { selfSigned: true, witnessed: { have: 0, need: 0, size: SIZE } },
      });
      expect(outcomes(verdict)).toEqual({
        proof: 'passed',
        checkpoint: 'passed',
        witnesses: 'skipped',
        inclusion: 'passed',
      });
    }
  });

  it('gives the same verdict with injected implementations', () => {
    const options = {
      policy,
      native: () => false,
      sha256: (data: Uint8Array) => createHash('sha256').update(data).digest(),
    };
    expect(verifyEntry(trail.entries[7]!, proofOf(7), options)).toEqual(
      verifyEntry(trail.entries[7]!, proofOf(7), { policy }),
    );
  });

  it('refuses other bytes, and the proof of another entry', () => {
    for (const [entry, index] of [
      [7, 8],
      [0, 299],
    ] as const) {
      const verdict = verifyEntry(trail.entries[entry]!, proofOf(index), { policy });
      expect(verdict).toMatchObject({ ok: false, code: 'modified' });
      expect(outcomes(verdict)['inclusion']).toBe('modified');
    }
  });

  it('asks for the witnesses of the policy', () => {
    const alone = verifyEntry(trail.entries[7]!, proofOf(7), { policy: witnessed });
    expect(alone).toMatchObject({ ok: false, code: 'not_witnessed' });
    expect(outcomes(alone)).toMatchObject({ witnesses: 'not_witnessed', inclusion: 'passed' });
    const cosigned = verifyEntry(trail.entries[7]!, proofOf(7, [logSigner, witness.at(5)]), {
      policy: witnessed,
    });
    expect(cosigned).toMatchObject({ ok: true, assurance: { witnessed: { have: 1, need: 1, size: SIZE } } });
  });

  it('believes no key that is not pinned, and no other log', () => {
    const stranger = createSigner(generateKey(ORIGIN, new Uint8Array(32).fill(9)).skey);
    const unknown = verifyEntry(trail.entries[7]!, proofOf(7, [stranger]), { policy });
    expect(unknown).toMatchObject({ ok: false, code: 'key_unknown', assurance: { selfSigned: false } });
    const other = verifyEntry(trail.entries[7]!, proofOf(7), { policy, origin: 'audit.example/other' });
    expect(other).toMatchObject({ ok: false, code: 'key_unknown' });
  });

  it('lists every failed check', () => {
    const verdict = verifyEntry(trail.entries[8]!, proofOf(7), { policy: witnessed, origin: 'other' });
    expect(outcomes(verdict)).toEqual({
      proof: 'passed',
      checkpoint: 'key_unknown',
      witnesses: 'not_witnessed',
      inclusion: 'modified',
    });
    expect(verdict.code).toBe('modified');
  });

  it('gives a verdict on any text', () => {
    const good = proofOf(7);
    expect(verifyEntry(trail.entries[7]!, '', { policy })).toMatchObject({
      ok: false,
      code: 'unreadable',
      origin: undefined,
      index: undefined,
      assurance: { selfSigned: false, witnessed: { have: 0, need: 0, size: 0 } },
    });
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.constantFrom('A', '\n', '0', ' ', '\u0000'),
        (at, character) => {
          fc.pre(good[at] !== character);
          const verdict = verifyEntry(trail.entries[7]!, good.slice(0, at) + character + good.slice(at + 1), {
            policy,
          });
          expect(verdict.ok).toBe(false);
        },
      ),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(verifyEntry(new Uint8Array(0), text, { policy }).ok).toBe(false);
      }),
    );
  });
});
