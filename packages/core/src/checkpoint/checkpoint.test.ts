import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/code-of.ts';
import { createTreeHasher } from '../tree/hash.ts';
import { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.ts';
import { generateKey } from './key.ts';
import { createSigner, verifierFromVkey } from './note.ts';
import { isNoteText } from './text.ts';

const root = new Uint8Array(32).fill(7);
const rootText = 'BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=';
const signer = createSigner(generateKey('log.example', new Uint8Array(32).fill(1)).skey);

describe('checkpoint text', () => {
  it('reads back what was written', () => {
    const line = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((s) => isNoteText(s) && !s.includes('\n'));
    const checkpoint = fc.record({
      origin: line,
      size: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      root: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      extensions: fc.array(line, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(checkpoint, (value) => {
        expect(parseCheckpoint(formatCheckpoint(value))).toEqual(value);
      }),
    );
  });

  it('has three lines without extensions', () => {
    expect(formatCheckpoint({ origin: 'log.example', size: 7, root })).toBe(`log.example\n7\n${rootText}\n`);
  });

  it.each([
    ['nothing', ''],
    ['a line feed alone', '\n'],
    ['one line', 'o\n'],
    ['two lines', 'o\n1\n'],
    ['no final line feed', `o\n1\n${rootText}`],
    ['an empty origin', `\n1\n${rootText}\n`],
    ['a size with a leading zero', `o\n01\n${rootText}\n`],
    ['a size with a sign', `o\n+1\n${rootText}\n`],
    ['a negative size', `o\n-1\n${rootText}\n`],
    ['a size with a space', `o\n1 \n${rootText}\n`],
    ['a hexadecimal size', `o\n0x1\n${rootText}\n`],
    ['a size beyond 2^53-1', `o\n9007199254740992\n${rootText}\n`],
    ['a root of 31 bytes', 'o\n1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw==\n'],
    ['a root that is no base64', 'o\n1\nroot\n\n'],
    ['a root for size 0 that is not that of nothing', `o\n0\n${rootText}\n`],
    ['an empty extension line', `o\n1\n${rootText}\n\n`],
    ['a control character', `o\u0007\n1\n${rootText}\n`],
  ])('refuses: %s', (_, text) => {
    expect(codeOf(() => parseCheckpoint(text))).toBe('invalid_note');
  });

  it('is not written where it would read back as something else', () => {
    for (const bad of [
      { origin: '', size: 1, root },
      { origin: 'a\nb', size: 1, root },
      { origin: 'a', size: -1, root },
      { origin: 'a', size: 1.5, root },
      { origin: 'a', size: 2 ** 53, root },
      { origin: 'a', size: 0, root },
      { origin: 'a', size: 1, root: root.subarray(1) },
      { origin: 'a', size: 1, root, extensions: [''] },
      { origin: 'a', size: 1, root, extensions: ['x\ny'] },
    ])
      expect(codeOf(() => formatCheckpoint(bad))).toBe('invalid_note');
  });

  it('of size 0 carries the root of the empty tree', () => {
    const { emptyRoot } = createTreeHasher();
    const empty = { origin: 'o', size: 0, root: emptyRoot, extensions: [] };
    expect(parseCheckpoint(formatCheckpoint(empty))).toEqual(empty);
  });

  it('reading any text gives a checkpoint that formats to it, or invalid_note', () => {
    const piece = fc.constantFrom('\n', 'o', '0', '1', rootText, ' ', '-', 'ext\n');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((parts) => parts.join('')),
        ),
        (text) => {
          let formatted: string | undefined;
          const code = codeOf(() => {
            formatted = formatCheckpoint(parseCheckpoint(text));
          });
          expect(code === 'invalid_note' || formatted === text).toBe(true);
        },
      ),
    );
  });
});

describe('signed checkpoints', () => {
  it('open with the key of the log', () => {
    const note = signCheckpoint({ origin: 'log.example', size: 7, root }, [signer]);
    const opened = openCheckpoint(note, [verifierFromVkey(signer.vkey)]);
    expect(opened.checkpoint).toEqual({ origin: 'log.example', size: 7, root, extensions: [] });
    expect(opened.verified).toHaveLength(1);
    expect(opened.unknown).toEqual([]);
    expect(codeOf(() => openCheckpoint(note, []))).toBe('invalid_note');
  });
});
