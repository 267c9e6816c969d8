import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/code-of.ts';
import { formatAddCheckpoint, parseStoredSize, readCosignature } from './add-checkpoint.ts';
import { decodeBase64 } from './base64.ts';
import { signCheckpoint } from './checkpoint.ts';
import { createCosigner } from './cosignature.ts';
import { generateKey } from './key.ts';
import { createSigner, formatSignatureLine, parseNote, verifierFromVkey } from './note.ts';

const repository = new URL('../../../../', import.meta.url);
const sharedCases = new URL('../shared/vectors/tlog/witness-add-checkpoint.json', repository);

/** A request body taken apart as the specification writes it. */
function taken(body: string): Parameters<typeof formatAddCheckpoint>[0] {
  const end = body.indexOf('\n\n');
  const [old, ...proof] = body.slice(0, end).split('\n');
  return {
    oldSize: Number(old!.slice('old '.length)),
    proof: proof.map((line) => decodeBase64(line)!),
    checkpoint: body.slice(end + 2),
  };
}

const log = createSigner(generateKey('log.example', new Uint8Array(32).fill(1)).skey);
const witness = createCosigner(generateKey('w.example', new Uint8Array(32).fill(2), 4).skey);
const other = createCosigner(generateKey('other.example', new Uint8Array(32).fill(3), 4).skey);
const checkpoint = signCheckpoint({ origin: 'log.example', size: 5, root: new Uint8Array(32).fill(5) }, [
  log,
]);
const { text } = parseNote(checkpoint);
const line = ({ at }: typeof witness, time: number, signed = text): string => {
  const { name, keyId, sign } = at(time);
  return formatSignatureLine({ name, keyId, signature: sign(signed) });
};

describe('formatAddCheckpoint', () => {
  it('writes the requests of a log of 70,000 entries, byte for byte', () => {
    const own = readFileSync(new URL('vectors/own-log-70000.json', repository), 'utf8');
    const { consistency } = JSON.parse(own) as { consistency: { addCheckpoint: string }[] };
    expect(consistency.length).toBeGreaterThan(10);
    for (const { addCheckpoint } of consistency)
      expect(formatAddCheckpoint(taken(addCheckpoint))).toBe(addCheckpoint);
  });

  it.skipIf(!existsSync(sharedCases))(
    'writes the requests of another implementation, byte for byte (skipped where the shared folder is absent)',
    () => {
      const { cases } = JSON.parse(readFileSync(sharedCases, 'utf8')) as { cases: { requestBody: string }[] };
      expect(cases).toHaveLength(11);
      for (const { requestBody } of cases) expect(formatAddCheckpoint(taken(requestBody))).toBe(requestBody);
    },
  );
});

describe('parseStoredSize', () => {
  it('takes a decimal with its line feed and nothing else', () => {
    expect(parseStoredSize('0\n')).toBe(0);
    expect(parseStoredSize('70000\n')).toBe(70_000);
    for (const body of ['', '3', '3\n\n', ' 3\n', '03\n', '-1\n', '3 \n', '9007199254740993\n', 'three\n'])
      expect(parseStoredSize(body)).toBeUndefined();
  });
});

describe('readCosignature', () => {
  const verifier = verifierFromVkey(witness.vkey);
  const read = (lines: string) => readCosignature(lines, checkpoint, verifier);

  it('gives the verified line of the witness, and leaves out those of other keys, whatever they are', () => {
    const own = line(witness, 1_700_000_000);
    expect(formatSignatureLine(read(own))).toBe(own);
    expect(formatSignatureLine(read(line(other, 5, 'something else\n') + own))).toBe(own);
  });

  it('says of anything else that it is no cosignature', () => {
    const own = line(witness, 5);
    const pieces = fc.array(fc.constantFrom('— ', 'w.example ', own, own.slice(12), '\n', 'AAAA', '='));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          pieces.map((list) => list.join('')),
        ),
        (lines) => {
          try {
            expect(formatSignatureLine(read(lines))).toBe(own);
          } catch (error) {
            expect(error).toMatchObject({ code: 'invalid_note' });
          }
        },
      ),
    );
  });

  it('refuses lines that are none, of others alone, or wrong', () => {
    const own = line(witness, 1_700_000_000);
    for (const lines of [
      '',
      'ok\n',
      own.slice(0, -1),
      line(other, 5),
      line(witness, 5, text.replace('5', '6')),
      own + line(witness, 6, 'something else\n'),
      own.repeat(101),
    ])
      expect(codeOf(() => read(lines))).toBe('invalid_note');
  });
});
