import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/code-of.ts';
import { createCosigner } from './cosignature.ts';
import { formatVkey, generateKey, keyIdOf } from './key.ts';
import {
  addSignatures,
  checkNote,
  createSigner,
  formatSignatureLine,
  MAX_NOTE_CHARS,
  MAX_NOTE_SIGNATURES,
  openNote,
  parseNote,
  parseSignatureLines,
  signNote,
  verifierFromVkey,
} from './note.ts';

const seedOf = (i: number) => new Uint8Array(32).fill(i);
const alice = createSigner(generateKey('alice', seedOf(1)).skey);
const bob = createSigner(generateKey('bob', seedOf(2)).skey);
const aliceVerifier = verifierFromVkey(alice.vkey);
const bobVerifier = verifierFromVkey(bob.vkey);
const text = 'first\n\nafter a blank line\n';
const note = signNote(text, [alice, bob]);
const names = (signatures: readonly { name: string }[]) => signatures.map(({ name }) => name);

describe('signing and opening', () => {
  it('a note opens with any one of its keys and gives back its text', () => {
    for (const verifier of [aliceVerifier, bobVerifier]) {
      const opened = openNote(note, [verifier]);
      expect(opened.text).toBe(text);
      expect(names(opened.verified)).toEqual([verifier.key.name]);
      expect(names(opened.unknown)).toEqual([verifier === aliceVerifier ? 'bob' : 'alice']);
    }
    expect(names(openNote(note, [bobVerifier, aliceVerifier]).verified)).toEqual(['alice', 'bob']);
  });

  it('the last blank line separates, so a text may contain what looks like signatures', () => {
    const nested = signNote(note, [bob]);
    expect(openNote(nested, [bobVerifier]).text).toBe(note);
  });

  it('signatures of unknown keys are ignored, but one known key must have signed', () => {
    const stranger = createSigner(generateKey('alice', seedOf(3)).skey);
    const strange = signNote(text, [stranger]);
    expect(checkNote(strange, [aliceVerifier]).verified).toEqual([]);
    expect(codeOf(() => openNote(strange, [aliceVerifier]))).toBe('invalid_note');
    expect(codeOf(() => openNote(note, []))).toBe('invalid_note');
  });

  it('a wrong signature under a known key rejects the note, even beside good ones', () => {
    const wrong = formatSignatureLine({ name: 'bob', keyId: bob.keyId, signature: alice.sign(text) });
    const both = `${signNote(text, [alice])}${wrong}`;
    expect(openNote(both, [aliceVerifier]).text).toBe(text);
    expect(codeOf(() => openNote(both, [aliceVerifier, bobVerifier]))).toBe('invalid_note');
    expect(codeOf(() => checkNote(`${note}${wrong}`, [bobVerifier]))).toBe('invalid_note');
  });

  it('the same signature twice counts once', () => {
    const twice = `${note}${formatSignatureLine({ ...alice, signature: alice.sign(text) })}`;
    expect(openNote(twice, [aliceVerifier]).verified).toHaveLength(1);
  });

  it('any changed character makes it unreadable or unsigned', () => {
    const single = signNote('origin\n12\nroot\n', [alice]);
    fc.assert(
      fc.property(fc.nat(single.length - 1), fc.constantFrom('A', 'B', '\n', ' ', '0'), (at, replacement) => {
        fc.pre(single[at] !== replacement);
        const changed = single.slice(0, at) + replacement + single.slice(at + 1);
        expect(codeOf(() => openNote(changed, [aliceVerifier]))).toBe('invalid_note');
      }),
    );
  });

  it('a text to sign ends with a line feed and has no control characters', () => {
    for (const bad of ['', 'abc', 'a\tb\n', 'a\r\n', '\u0000\n', '\ud800\n'])
      expect(codeOf(() => signNote(bad, [alice]))).toBe('invalid_note');
  });
});

describe('parseNote', () => {
  const line = formatSignatureLine({ name: 'n', keyId: '01020304', signature: Uint8Array.of(5) });

  it('takes a note apart', () => {
    expect(line).toBe('— n AQIDBAU=\n');
    expect(parseNote(`text\n\n${line}`)).toEqual({
      text: 'text\n',
      signatures: [{ name: 'n', keyId: '01020304', signature: Uint8Array.of(5) }],
    });
  });

  it.each([
    ['nothing', ''],
    ['no blank line', `text\n${line}`],
    ['no signature', 'text\n\n'],
    ['no final line feed', `text\n\n${line.slice(0, -1)}`],
    ['a hyphen for the dash', `text\n\n${line.replace('—', '-')}`],
    ['no space after the dash', `text\n\n${line.replace('— ', '—')}`],
    ['two spaces', `text\n\n${line.replace('n ', 'n  ')}`],
    ['a third word', `text\n\n${line.replace('\n', ' more\n')}`],
    ['a name with a plus', `text\n\n${line.replace('n ', 'n+ ')}`],
    ['a name with an unusual space', `text\n\n${line.replace('n ', 'n\u00a0m ')}`],
    ['an empty name', `text\n\n${line.replace('n ', ' ')}`],
    ['no base64', 'text\n\n— n\n'],
    ['base64 without padding', `text\n\n${line.replace('=', '')}`],
    ['a key id without signature', 'text\n\n— n AQIDBA==\n'],
    ['a tab', `te\txt\n\n${line}`],
    ['a carriage return', `text\r\n\n${line}`],
    ['a lone surrogate', `te\ud800xt\n\n${line}`],
  ])('refuses: %s', (_, bad) => {
    expect(codeOf(() => parseNote(bad))).toBe('invalid_note');
  });

  it('bounds size and number of signatures', () => {
    expect(parseNote(`t\n\n${line.repeat(MAX_NOTE_SIGNATURES)}`).signatures).toHaveLength(
      MAX_NOTE_SIGNATURES,
    );
    expect(codeOf(() => parseNote(`t\n\n${line.repeat(MAX_NOTE_SIGNATURES + 1)}`))).toBe('invalid_note');
    expect(codeOf(() => parseNote(`${'t'.repeat(MAX_NOTE_CHARS)}\n\n${line}`))).toBe('invalid_note');
  });

  it('reading any text gives a note that formats to it, or invalid_note', () => {
    const piece = fc.constantFrom('\n', '\n\n', 't', line, '— ', 'n ', 'AQIDBAU=', ' ', '+');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((parts) => parts.join('')),
        ),
        (bad) => {
          let formatted: string | undefined;
          const code = codeOf(() => {
            const parsed = parseNote(bad);
            formatted = `${parsed.text}\n${parsed.signatures.map(formatSignatureLine).join('')}`;
          });
          expect(code === 'invalid_note' || formatted === bad).toBe(true);
        },
      ),
    );
  });
});

describe('addSignatures', () => {
  it('adds what is not there yet', () => {
    const signed = signNote(text, [alice]);
    const lines = parseSignatureLines(note.slice(text.length + 1));
    expect(addSignatures(signed, [...lines, ...lines])).toBe(note);
    expect(addSignatures(note, lines)).toBe(note);
    expect(codeOf(() => addSignatures('no note', lines))).toBe('invalid_note');
  });
});

describe('keys', () => {
  it('a log does not sign with a witness key, nor a witness with a log key', () => {
    expect(codeOf(() => createSigner(generateKey('w', seedOf(4), 4).skey))).toBe('key_missing');
    expect(codeOf(() => createCosigner(generateKey('l', seedOf(4), 1).skey))).toBe('key_missing');
  });

  it('an ML-DSA-44 key is refused as not supported', () => {
    const publicKey = new Uint8Array(1312);
    const key = { name: 'w', type: 6, keyId: keyIdOf('w', 6, publicKey), publicKey } as const;
    expect(codeOf(() => verifierFromVkey(formatVkey(key)))).toBe('invalid_note');
  });

  it('a native verification that agrees is asked once and nothing else', () => {
    const calls: number[] = [];
    const native = (signature: Uint8Array) => calls.push(signature.length) > 0;
    const verifier = verifierFromVkey(alice.vkey, { native });
    expect(verifier.verify(text, alice.sign(text))).toBe(true);
    expect(calls).toEqual([64]);
  });
});
