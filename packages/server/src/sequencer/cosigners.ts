import {
  equalBytes,
  type GetNode,
  type NoteSignature,
  type NoteVerifier,
  openCheckpoint,
  rootAt,
  type StoredCheckpoint,
  type TreeHasher,
} from '@sealtrail/core';

/** Witnesses whose cosignatures a checkpoint has, by key name and key id. */
export type Cosigners = ReadonlySet<string>;

/** What a stored checkpoint is held against. */
export interface CosignersParts {
  readonly origin: string;
  /** Of the trail's own key. */
  readonly verifier: NoteVerifier;
  readonly witnesses: readonly NoteVerifier[];
  readonly getNode: GetNode;
  readonly hasher: TreeHasher;
}

/**
 * Who cosigned a stored checkpoint that says, under the trail's own signature, what the log says. Undefined for any other:
 * one that the log contradicts or cannot be held against, one with a wrong signature, or with one of an unknown key.
 */
export function cosignersOf(
  { size, note }: StoredCheckpoint,
  { origin, verifier, witnesses, getNode, hasher }: CosignersParts,
): Cosigners | undefined {
  try {
    const { checkpoint, verified, unknown } = openCheckpoint(note, [verifier, ...witnesses]);
    const signers = new Set(verified.map(identityOf));
    const isRight =
      signers.delete(identityOf(verifier.key)) &&
      unknown.length === 0 &&
      checkpoint.origin === origin &&
      checkpoint.size === size &&
      equalBytes(checkpoint.root, rootAt(size, getNode, hasher));
    return isRight ? signers : undefined;
  } catch {
    // It cannot be read, is signed otherwise, or the log lacks what it is about: for verification to report.
    return undefined;
  }
}

/** Whether all of one set are in another. */
export function isWithin(cosigners: Cosigners, others: Cosigners): boolean {
  return [...cosigners].every((cosigner) => others.has(cosigner));
}

const identityOf = ({ name, keyId }: Pick<NoteSignature, 'name' | 'keyId'>): string => `${name}+${keyId}`;
