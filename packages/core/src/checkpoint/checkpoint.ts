import { SealtrailError } from '../errors.ts';
import { HASH_BYTES } from '../tree/hash.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { type NoteSignature, type NoteSigner, type NoteVerifier, openNote, signNote } from './note.ts';
import { isNoteText, parseDecimal } from './text.ts';

// C2SP tlog-checkpoint: the text of a signed note with the lines origin, size, base64 root, then extension lines.

/** The head of a log at a size. */
export interface Checkpoint {
  /** Identity of the log: equal to the name of its key. */
  readonly origin: string;
  /** Entries in the tree. A number checked against 2^53-1. */
  readonly size: number;
  /** Root hash of the tree, 32 bytes. */
  readonly root: Uint8Array;
  /** Further lines of the text; none unless given. Ed25519 log signatures and cosignatures cover them. */
  readonly extensions: readonly string[];
}

/** A checkpoint whose note verified. */
export interface OpenedCheckpoint {
  readonly checkpoint: Checkpoint;
  /** Signatures that verified, one a key. */
  readonly verified: readonly NoteSignature[];
  /** Signatures of keys that were not given. */
  readonly unknown: readonly NoteSignature[];
}

const EMPTY_ROOT_BASE64 = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';

/**
 * Reads the text of a checkpoint note.
 *
 * @throws SealtrailError `invalid_note`
 */
export function parseCheckpoint(text: string): Checkpoint {
  if (!text.endsWith('\n') || !isNoteText(text))
    throw invalid('the text does not end with a line feed or has control characters');
  const [origin, sizeText, rootText, ...extensions] = text.slice(0, -1).split('\n');
  if (origin === '' || origin === undefined) throw invalid('the first line, the origin, is empty');
  const size = parseDecimal(sizeText ?? '');
  if (size === undefined) throw invalid('the second line is not a size, a decimal up to 2^53-1');
  const root = decodeBase64(rootText ?? '');
  if (root?.length !== HASH_BYTES) throw invalid(`the third line is not the base64 of ${HASH_BYTES} bytes`);
  if (size === 0 && rootText !== EMPTY_ROOT_BASE64)
    throw invalid('a log of size 0 has the hash of nothing as its root');
  if (extensions.includes('')) throw invalid('an extension line is empty');
  return { origin, size, root, extensions };
}

/**
 * Writes the text of a checkpoint note.
 *
 * @throws SealtrailError `invalid_note` when it would not read back as it is
 */
export function formatCheckpoint(
  checkpoint: Omit<Checkpoint, 'extensions'> & { readonly extensions?: readonly string[] },
): string {
  const { origin, size, root, extensions = [] } = checkpoint;
  const lines = [origin, String(size), encodeBase64(root), ...extensions];
  if (lines.some((line) => line.includes('\n'))) throw invalid('a line of it has a line feed');
  const text = lines.map((line) => `${line}\n`).join('');
  parseCheckpoint(text);
  return text;
}

/** Writes and signs a checkpoint: a signed note. */
export function signCheckpoint(
  checkpoint: Parameters<typeof formatCheckpoint>[0],
  signers: readonly NoteSigner[],
): string {
  return signNote(formatCheckpoint(checkpoint), signers);
}

/**
 * Reads a checkpoint note that at least one of the given keys signed. Compare its origin with the one you expect.
 *
 * @throws SealtrailError `invalid_note`: see openNote and {@link parseCheckpoint}
 */
export function openCheckpoint(note: string, verifiers: readonly NoteVerifier[]): OpenedCheckpoint {
  const { text, verified, unknown } = openNote(note, verifiers);
  return { checkpoint: parseCheckpoint(text), verified, unknown };
}

function invalid(message: string): SealtrailError {
  return new SealtrailError('invalid_note', `not a checkpoint: ${message}`);
}
