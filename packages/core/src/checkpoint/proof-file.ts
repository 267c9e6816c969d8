import { SealtrailError } from '../errors.ts';
import { HASH_BYTES, type TreeHasher } from '../tree/hash.ts';
import { verifyInclusion } from '../tree/proof.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { parseDecimal } from './text.ts';
import type { CheckpointJudge, JudgedCheckpoint } from './trust.ts';

// C2SP tlog-proof: everything that proves offline that an entry is in a log, as a text file.

/** Media-type-like first line of a proof file. */
export const PROOF_HEADER = 'c2sp.org/tlog-proof@v1';

// 63 hashes prove inclusion in a tree of 2^63 entries.
const MAX_HASHES = 63;
const MAX_PROOF_CHARS = 1_100_000;

/** A proof that the entry with some leaf hash is at `index` of the log at its checkpoint. */
export interface ProofFile {
  readonly index: number;
  /** RFC 6962 inclusion proof, the leaf's sibling first. */
  readonly hashes: readonly Uint8Array[];
  /** The signed checkpoint, verbatim, with whatever cosignatures it has. */
  readonly checkpoint: string;
  /** Bytes for the application. Nothing authenticates them. */
  readonly extra?: Uint8Array;
}

/** Writes a proof file. */
export function formatProofFile(proof: ProofFile): string {
  const lines = [
    PROOF_HEADER,
    ...(proof.extra === undefined ? [] : [`extra ${encodeBase64(proof.extra)}`]),
    `index ${proof.index}`,
    ...proof.hashes.map(encodeBase64),
  ];
  return `${lines.join('\n')}\n\n${proof.checkpoint}`;
}

/**
 * Reads a proof file. Neither the proof nor the checkpoint in it is verified.
 *
 * @throws SealtrailError `invalid_proof`
 */
export function parseProofFile(text: string): ProofFile {
  if (text.length > MAX_PROOF_CHARS) throw invalid(`it has more than ${MAX_PROOF_CHARS} characters`);
  // Hash lines are never empty, so the first blank line ends the proof.
  const separator = text.indexOf('\n\n');
  if (separator === -1) throw invalid('there is no blank line before the checkpoint');
  const [header, ...lines] = text.slice(0, separator).split('\n');
  if (header !== PROOF_HEADER) throw invalid(`the first line is not ${PROOF_HEADER}`);
  const extraLine = lines[0]?.startsWith('extra ') === true ? lines.shift() : undefined;
  const extra = extraLine === undefined ? undefined : decodeBase64(extraLine.slice('extra '.length));
  if (extraLine !== undefined && extra === undefined) throw invalid('the extra line is not base64');
  const indexLine = lines.shift() ?? '';
  const index = indexLine.startsWith('index ') ? parseDecimal(indexLine.slice('index '.length)) : undefined;
  if (index === undefined) throw invalid('there is no line "index <decimal up to 2^53-1>"');
  if (lines.length > MAX_HASHES) throw invalid(`it has ${lines.length} hashes, at most ${MAX_HASHES}`);
  const hashes = lines.map((line) => {
    const hash = decodeBase64(line);
    if (hash?.length !== HASH_BYTES) throw invalid(`a hash line is not the base64 of ${HASH_BYTES} bytes`);
    return hash;
  });
  const checkpoint = text.slice(separator + 2);
  if (!checkpoint.endsWith('\n')) throw invalid('the checkpoint does not end with a line feed');
  return { index, hashes, checkpoint, ...(extra === undefined ? {} : { extra }) };
}

/**
 * Verifies a proof file for an entry: a log of the policy signed the checkpoint, enough witnesses cosigned it, and
 * the entry is in its tree.
 *
 * @param leafHash of the entry's own bytes; never taken from the proof
 * @returns what the checkpoint is worth
 * @throws SealtrailError `invalid_note` or `invalid_proof`
 */
export function verifyProofFile(
  proof: ProofFile,
  leafHash: Uint8Array,
  judge: CheckpointJudge,
  hasher: TreeHasher,
): JudgedCheckpoint {
  const judged = judge.judge(proof.checkpoint);
  if (judged.logKeys.length === 0)
    throw new SealtrailError('invalid_note', 'no log of the trust policy signed the checkpoint of the proof');
  const { satisfied, have, need } = judged.quorum;
  if (!satisfied)
    throw new SealtrailError(
      'invalid_note',
      `the quorum of the trust policy needs ${need} witnesses or more, ${have} of them cosigned the checkpoint`,
    );
  const { size, root } = judged.checkpoint;
  verifyInclusion(proof.index, size, leafHash, proof.hashes, root, hasher);
  return judged;
}

function invalid(message: string): SealtrailError {
  return new SealtrailError('invalid_proof', `not a proof file: ${message}`);
}
