import { SealtrailError } from '../errors.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { cosignedMessage, parseCosignature } from './cosignature.ts';
import { type Ed25519Verify, ed25519Sign, ed25519Verifier } from './ed25519.ts';
import { formatVkey, isKeyName, keyTypes, parseSkey, parseVkey, type VerifierKey } from './key.ts';
import { hex, isNoteText, utf8 } from './text.ts';

// C2SP signed-note: a text that ends with a line feed, a blank line, and one signature line or more:
//   — <key name> <base64(key id[4] ‖ signature)>
// Notes come from anywhere; size and number of signatures are bounded before anything is computed.

/** Longest note that is read, as UTF-16 code units: what golang.org/x/mod takes too. */
export const MAX_NOTE_CHARS = 1_000_000;
/** Most signature lines of a note. */
export const MAX_NOTE_SIGNATURES = 100;

const KEY_ID_BYTES = 4;
const SIGNATURE_PREFIX = '— '; // em dash U+2014, space

/** One signature line of a note. Nothing about it is checked until a verifier of that name and key id says so. */
export interface NoteSignature {
  readonly name: string;
  /** 8 lower-case hexadecimal digits. */
  readonly keyId: string;
  /** What follows the key id: 64 bytes for Ed25519, 72 with a timestamp. */
  readonly signature: Uint8Array;
}

/** A note taken apart, nothing verified. */
export interface SignedNote {
  /** What is signed: ends with a line feed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** What {@link checkNote} found: `verified` by a given key, and `unknown` to all of them. */
export interface CheckedNote {
  readonly text: string;
  readonly verified: readonly NoteSignature[];
  readonly unknown: readonly NoteSignature[];
}

/** Checks the signatures of one key. */
export interface NoteVerifier {
  readonly key: VerifierKey;
  verify(text: string, signature: Uint8Array): boolean;
}

/** Signs note texts with one key. */
export interface NoteSigner {
  readonly name: string;
  readonly keyId: string;
  /** Verifier key to give away. */
  readonly vkey: string;
  sign(text: string): Uint8Array;
}

/** Options of verifiers. `native`: see {@link ed25519Verifier}; it makes verifying many notes several times faster. */
export interface VerifierOptions {
  readonly native?: Ed25519Verify;
}

/**
 * Takes a note apart. The last blank line separates text and signatures, so the text may contain blank lines.
 *
 * @throws SealtrailError `invalid_note` when it is not a note or beyond the bounds
 */
export function parseNote(note: string): SignedNote {
  if (note.length > MAX_NOTE_CHARS)
    throw invalid(`it has ${note.length} characters, at most ${MAX_NOTE_CHARS} are read`);
  if (!isNoteText(note)) throw invalid('it has control characters or is not well-formed Unicode');
  const separator = note.lastIndexOf('\n\n');
  if (separator === -1) throw invalid('there is no blank line between text and signatures');
  return { text: note.slice(0, separator + 1), signatures: parseSignatureLines(note.slice(separator + 2)) };
}

/**
 * Reads signature lines, each ending with a line feed: the end of a note, or what a witness answers.
 *
 * @throws SealtrailError `invalid_note`
 */
export function parseSignatureLines(lines: string): NoteSignature[] {
  if (!lines.endsWith('\n')) throw invalid('the signatures do not end with a line feed');
  const parts = lines.slice(0, -1).split('\n', MAX_NOTE_SIGNATURES + 1);
  if (parts.length > MAX_NOTE_SIGNATURES) throw invalid(`it has more than ${MAX_NOTE_SIGNATURES} signatures`);
  return parts.map(parseSignatureLine);
}

function parseSignatureLine(line: string): NoteSignature {
  const [name, base64, ...rest] = line.startsWith(SIGNATURE_PREFIX)
    ? line.slice(SIGNATURE_PREFIX.length).split(' ')
    : [];
  const bytes = base64 === undefined ? undefined : decodeBase64(base64);
  if (name === undefined || !isKeyName(name) || bytes === undefined || rest.length > 0)
    throw invalid('a signature line is not "— <key name> <base64>"');
  if (bytes.length <= KEY_ID_BYTES) throw invalid('a signature line holds no signature');
  return { name, keyId: hex(bytes.subarray(0, KEY_ID_BYTES)), signature: bytes.slice(KEY_ID_BYTES) };
}

/** A signature line with its line feed. */
export function formatSignatureLine(signature: NoteSignature): string {
  const bytes = new Uint8Array(KEY_ID_BYTES + signature.signature.length);
  for (let i = 0; i < KEY_ID_BYTES; i++)
    bytes[i] = Number.parseInt(signature.keyId.slice(2 * i, 2 * i + 2), 16);
  bytes.set(signature.signature, KEY_ID_BYTES);
  return `${SIGNATURE_PREFIX}${signature.name} ${encodeBase64(bytes)}\n`;
}

/**
 * Verifies the signatures of the given keys. Lines of other keys are ignored, as signed-note demands: anyone may add
 * some. A line that claims a given key and fails spoils the whole note. Whether what verified is enough, the caller decides.
 *
 * @throws SealtrailError `invalid_note` when the note is malformed or a signature of a given key is wrong
 */
export function checkNote(note: string, verifiers: readonly NoteVerifier[]): CheckedNote {
  const { text, signatures } = parseNote(note);
  const verified = new Map<NoteVerifier, NoteSignature>();
  const unknown: NoteSignature[] = [];
  for (const signature of signatures) {
    const verifier = verifiers.find(
      ({ key }) => key.name === signature.name && key.keyId === signature.keyId,
    );
    if (verifier === undefined) unknown.push(signature);
    else if (verifier.verify(text, signature.signature)) verified.set(verifier, signature);
    else throw invalid(`the signature of ${signature.name} (key id ${signature.keyId}) is wrong`);
  }
  return { text, verified: [...verified.values()], unknown };
}

/**
 * As {@link checkNote}, and at least one of the given keys must have signed.
 *
 * @throws SealtrailError `invalid_note`
 */
export function openNote(note: string, verifiers: readonly NoteVerifier[]): CheckedNote {
  const checked = checkNote(note, verifiers);
  if (checked.verified.length === 0) {
    const signers = checked.unknown.map(({ name, keyId }) => `${name} (key id ${keyId})`).join(', ');
    throw invalid(`no known key signed it; it carries signatures of ${signers}`);
  }
  return checked;
}

/**
 * Signs a text.
 *
 * @throws SealtrailError `invalid_note` when the text does not end with a line feed or has control characters
 */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  if (!text.endsWith('\n') || !isNoteText(text))
    throw invalid('a text to sign ends with a line feed and has no other control characters');
  const lines = signers.map(({ name, keyId, sign }) =>
    formatSignatureLine({ name, keyId, signature: sign(text) }),
  );
  return `${text}\n${lines.join('')}`;
}

/**
 * Adds signature lines, such as those of a witness, to a note. A line of a key that has signed already is left out.
 * Verify the lines first: a wrong one spoils the note for all who know its key.
 *
 * @throws SealtrailError `invalid_note`
 */
export function addSignatures(note: string, signatures: readonly NoteSignature[]): string {
  const seen = new Set(parseNote(note).signatures.map(identity));
  let signed = note;
  for (const signature of signatures) {
    if (seen.has(identity(signature))) continue;
    seen.add(identity(signature));
    signed += formatSignatureLine(signature);
  }
  return signed;
}

function identity({ name, keyId }: NoteSignature): string {
  return `${name}+${keyId}`;
}

/**
 * A verifier for the text of a verifier key: type 1 checks signatures over the note text, type 4 cosignatures.
 *
 * @throws SealtrailError `invalid_note` when the text is no verifier key, or an ML-DSA-44 key, which is not supported
 */
export function verifierFromVkey(vkey: string, options: VerifierOptions = {}): NoteVerifier {
  return createVerifier(parseVkey(vkey), options);
}

/** As {@link verifierFromVkey}, for a key that is parsed already. */
export function createVerifier(key: VerifierKey, options: VerifierOptions = {}): NoteVerifier {
  if (key.type === keyTypes.cosignatureMlDsa44)
    throw invalid(`cosignatures of ${key.name} cannot be checked: ML-DSA-44 is not supported`);
  const verify = ed25519Verifier(key.publicKey, options.native);
  if (key.type === keyTypes.ed25519)
    return { key, verify: (text, signature) => verify(signature, utf8(text)) };
  return {
    key,
    verify(text, bytes) {
      const cosignature = parseCosignature(bytes);
      return (
        cosignature !== undefined &&
        verify(cosignature.signature, cosignedMessage(text, cosignature.timestamp))
      );
    },
  };
}

/**
 * A log's signer from its private key text (type 1).
 *
 * @throws SealtrailError `key_missing`
 */
export function createSigner(skey: string): NoteSigner {
  const key = parseSkey(skey);
  if (key.type !== keyTypes.ed25519)
    throw new SealtrailError('key_missing', 'a log signs with a key of type 1; type 4 is for cosignatures');
  return {
    name: key.name,
    keyId: key.keyId,
    vkey: formatVkey(key),
    sign: (text) => ed25519Sign(utf8(text), key.seed),
  };
}

function invalid(message: string): SealtrailError {
  return new SealtrailError('invalid_note', `not a valid signed note: ${message}`);
}
