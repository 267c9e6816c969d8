import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/code-of.ts';
import { encodeBase64 } from './base64.ts';
import { formatProofFile, PROOF_HEADER, parseProofFile } from './proof-file.ts';

const hash = encodeBase64(new Uint8Array(32).fill(1));

describe('proof files', () => {
  it('read back what was written', () => {
    const proof = fc.record(
      {
        index: fc.maxSafeNat(),
        hashes: fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 63 }),
        checkpoint: fc.string().map((text) => `${text}\n`),
        extra: fc.uint8Array(),
      },
      { requiredKeys: ['index', 'hashes', 'checkpoint'] },
    );
    fc.assert(
      fc.property(proof, (value) => {
        expect(parseProofFile(formatProofFile(value))).toEqual(value);
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['another header', `${PROOF_HEADER}x\nindex 0\n\nc\n`],
    ['no blank line', `${PROOF_HEADER}\nindex 0\nc\n`],
    ['no index', `${PROOF_HEADER}\n\nc\n`],
    ['an extra line alone', `${PROOF_HEADER}\nextra AA==\n\nc\n`],
    ['extra after the index', `${PROOF_HEADER}\nindex 0\nextra AA==\n\nc\n`],
    ['two extra lines', `${PROOF_HEADER}\nextra AA==\nextra AA==\nindex 0\n\nc\n`],
    ['extra that is no base64', `${PROOF_HEADER}\nextra AB==\nindex 0\n\nc\n`],
    ['an index with a leading zero', `${PROOF_HEADER}\nindex 00\n\nc\n`],
    ['an index beyond 2^53-1', `${PROOF_HEADER}\nindex 9007199254740992\n\nc\n`],
    ['a hash of another length', `${PROOF_HEADER}\nindex 0\nAA==\n\nc\n`],
    ['a hash that is no base64', `${PROOF_HEADER}\nindex 0\n${hash} \n\nc\n`],
    ['64 hashes', `${PROOF_HEADER}\nindex 0\n${`${hash}\n`.repeat(64)}\nc\n`],
    ['no checkpoint', `${PROOF_HEADER}\nindex 0\n\n`],
    ['a checkpoint without final line feed', `${PROOF_HEADER}\nindex 0\n\nc`],
    ['too much of anything', `${PROOF_HEADER}\nindex 0\n\n${'c'.repeat(1_100_000)}\n`],
  ])('refuse: %s', (_, text) => {
    expect(codeOf(() => parseProofFile(text))).toBe('invalid_proof');
  });

  it('reading any text gives a proof that formats to it, or invalid_proof', () => {
    const piece = fc.constantFrom(
      `${PROOF_HEADER}\n`,
      'index 0\n',
      'extra AA==\n',
      `${hash}\n`,
      '\n',
      'c\n',
      'x',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 8 }).map((parts) => parts.join('')),
        ),
        (text) => {
          let formatted: string | undefined;
          const code = codeOf(() => {
            formatted = formatProofFile(parseProofFile(text));
          });
          expect(code === 'invalid_proof' || formatted === text).toBe(true);
        },
      ),
    );
  });
});
