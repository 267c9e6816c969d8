import { createHash } from 'node:crypto';
import {
  formatAddCheckpoint,
  type NoteSignature,
  parseStoredSize,
  readCosignature,
  reasonOf,
  SealtrailError,
  STORED_SIZE_TYPE,
} from '@sealtrail/core';
import type { WitnessAnswer, WitnessTransport } from '../../ports.ts';
import type { PublishedCheckpoint } from '../../sequencer/protocol.ts';
import type { Witness } from './witness-set.ts';

/** Why there is no cosignature. The first two say that the witness knows another history than this log. */
export type FailureCode =
  /** It has a larger tree of this log than this log has. */
  | 'conflict'
  /** What it has is not the beginning of this log. */
  | 'inconsistent'
  /** It does not take checkpoints of this log: 400, 403, 404, or whatever else it should not answer. */
  | 'not_accepted'
  /** What it says cannot be right: a wrong cosignature, a size that is none, more than is read. */
  | 'invalid_answer'
  /** It does not answer, or says that it cannot now: 429, 5xx. */
  | 'unreachable';

/** That there is no cosignature. */
export interface WitnessFailure {
  readonly kind: 'failed';
  readonly code: FailureCode;
  /** For people; of the answer there are its status and a size at most. */
  readonly reason: string;
  /** The size that the witness says it has, where that is larger than the log. */
  readonly size?: number;
  /** What the witness asks for; 0 without. */
  readonly retryAfterMs?: number;
}

/** What came of asking a witness about a checkpoint. */
export type WitnessOutcome =
  | { readonly kind: 'cosigned'; readonly signature: NoteSignature }
  | WitnessFailure;

/** What asking takes. */
export interface AskParts {
  readonly witness: Witness;
  readonly send: WitnessTransport;
  /** Consistency proof between two sizes of the log. */
  readonly prove: (oldSize: number, newSize: number) => readonly Uint8Array[];
  readonly signal: AbortSignal;
}

/**
 * Asks a witness to cosign a checkpoint (C2SP tlog-witness, add-checkpoint). Where it has another size than was thought, it
 * is asked once more from there. Whatever it answers is an outcome.
 *
 * @param oldSize what it is thought to have; not above the checkpoint's size
 * @throws as `prove`, when the log cannot be read
 */
export async function askWitness(
  parts: AskParts,
  checkpoint: PublishedCheckpoint,
  oldSize: number,
): Promise<WitnessOutcome> {
  const { witness, send, prove, signal } = parts;
  const ask = async (from: number): Promise<WitnessAnswer | WitnessFailure> => {
    const proof = from === 0 ? [] : prove(from, checkpoint.size);
    const body = formatAddCheckpoint({ oldSize: from, proof, checkpoint: checkpoint.note });
    return await send({ url: `${witness.url}/add-checkpoint`, body, signal }).catch(failureOf);
  };
  const first = await ask(oldSize);
  if ('kind' in first) return first;
  const stored = first.status === 409 ? storedSize(first) : undefined;
  if (stored === undefined || stored === oldSize || stored > checkpoint.size)
    return outcomeOf(first, checkpoint, oldSize, witness);
  const second = await ask(stored);
  return 'kind' in second ? second : outcomeOf(second, checkpoint, stored, witness);
}

/** That there was no answer, or more of one than is read. */
function failureOf(error: unknown): WitnessFailure {
  if (error instanceof SealtrailError && error.code === 'body_too_large')
    return failed('invalid_answer', error.message);
  // The network's words may hold addresses; the code says enough.
  return failed('unreachable', `it does not answer (${networkCode(error)})`);
}

/**
 * The checkpoint that a witness shows as the last one it cosigned of a log: under the hash of the origin, if it does at all.
 * Nothing of it is verified.
 */
export async function shownCheckpoint(
  { witness, send, signal }: Pick<AskParts, 'witness' | 'send' | 'signal'>,
  origin: string,
): Promise<string | undefined> {
  const hash = createHash('sha256').update(origin).digest('hex');
  // A witness need not show any, and may show it elsewhere: no answer is no failure.
  const answer = await send({ url: `${witness.url}/${hash}/checkpoint`, signal }).catch(() => undefined);
  return answer?.status === 200 ? answer.text : undefined;
}

function outcomeOf(
  answer: WitnessAnswer,
  { size, note }: PublishedCheckpoint,
  oldSize: number,
  { verifier }: Witness,
): WitnessOutcome {
  const { status, text, retryAfterMs } = answer;
  if (status === 200) {
    try {
      return { kind: 'cosigned', signature: readCosignature(text, note, verifier) };
    } catch (error) {
      return failed('invalid_answer', reasonOf(error));
    }
  }
  if (status === 409) {
    const stored = storedSize(answer);
    if (stored === undefined) return failed('invalid_answer', 'it answers 409 without a size');
    if (stored > size)
      return { ...failed('conflict', `it has ${stored} entries, this log has signed ${size}`), size: stored };
    // What the tagged version of the specification answers to another root at the same size.
    if (stored === oldSize && oldSize === size)
      return failed('inconsistent', `it has another root at size ${size}`);
    return failed('invalid_answer', `it answers 409 with size ${stored}, asked from ${oldSize}`);
  }
  if (status === 422) return failed('inconsistent', `size ${size} does not extend what it has`);
  if (status === 429 || status >= 500)
    return { ...failed('unreachable', `it answers ${status}`), retryAfterMs };
  return failed('not_accepted', `it answers ${status}`);
}

function storedSize({ contentType, text }: WitnessAnswer): number | undefined {
  return contentType === STORED_SIZE_TYPE ? parseStoredSize(text) : undefined;
}

const failed = (code: FailureCode, reason: string): WitnessFailure => ({ kind: 'failed', code, reason });

/** Such as ECONNREFUSED or TimeoutError. */
function networkCode(error: unknown): string {
  if (!(error instanceof Error)) return 'no reason given';
  const { cause } = error;
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string'
    ? cause.code
    : error.name;
}
