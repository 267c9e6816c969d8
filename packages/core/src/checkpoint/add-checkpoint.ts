import { SealtrailError } from '../errors.ts';
import { encodeBase64 } from './base64.ts';
import { type NoteSignature, type NoteVerifier, parseNote, parseSignatureLines } from './note.ts';
import { parseDecimal } from './text.ts';

// C2SP tlog-witness, add-checkpoint: what a log asks of a witness, and what the answers say. Answers come from another
// party; nothing of them is used before it is checked.

/** Content type of an answer 409 that says which size the witness has. */
export const STORED_SIZE_TYPE = 'text/x.tlog.size';

/** What a witness is asked: to cosign a checkpoint that extends the tree of `oldSize`. */
export interface AddCheckpoint {
  /** Size that the witness cosigned last; 0 when it has seen nothing. */
  readonly oldSize: number;
  /** RFC 6962 consistency proof from `oldSize`; empty from 0 and from the same size. */
  readonly proof: readonly Uint8Array[];
  /** The signed checkpoint, verbatim. */
  readonly checkpoint: string;
}

/** Writes the body of the request. */
export function formatAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpoint): string {
  return `${[`old ${oldSize}`, ...proof.map(encodeBase64)].join('\n')}\n\n${checkpoint}`;
}

/** The size that a witness has, out of its answer 409: a decimal and a line feed; undefined when it is no such answer. */
export function parseStoredSize(body: string): number | undefined {
  return body.endsWith('\n') ? parseDecimal(body.slice(0, -1)) : undefined;
}

/**
 * The cosignature of one witness out of its answer 200, verified over the checkpoint that it was asked about. Lines of
 * other keys are left out: nothing is known of them.
 *
 * @throws SealtrailError `invalid_note` when the lines are malformed, one of the witness is wrong, or none is of it
 */
export function readCosignature(lines: string, checkpoint: string, witness: NoteVerifier): NoteSignature {
  const { text } = parseNote(checkpoint);
  const { name, keyId } = witness.key;
  const own = parseSignatureLines(lines).filter((line) => line.name === name && line.keyId === keyId);
  const [first] = own;
  if (first === undefined)
    throw new SealtrailError('invalid_note', `the answer has no cosignature of ${name} (key id ${keyId})`);
  if (!own.every(({ signature }) => witness.verify(text, signature)))
    throw new SealtrailError('invalid_note', `the cosignature of ${name} (key id ${keyId}) is wrong`);
  return first;
}
