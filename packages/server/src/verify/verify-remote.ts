import {
  createCheckpointJudge,
  type Entry,
  type EntryFacts,
  type NewestEntries,
  parsePolicy,
  type TrailVerdict,
  type TrustPolicy,
  verifyTrail,
} from '@sealtrail/core';
import { RemoteEvidence } from '../adapters/http/remote-evidence.ts';
import { type RemoteLog, resourceUrl } from '../adapters/http/remote-log.ts';
import { nativeEd25519Verify } from '../adapters/native-ed25519.ts';
import { nativeSha256 } from '../adapters/native-sha256.ts';
import { RememberedCheckpoints } from './remembered.ts';

export interface VerifyRemoteOptions {
  readonly remote: RemoteLog;
  readonly trail: string;
  /** Text of the pinned trust policy. */
  readonly policyText: string;
  /** File in which the last checkpoint seen is kept from one verification to the next. */
  readonly rememberFile: string;
  /** Whether entries fail that no witnessed checkpoint covers, but for the newest; absent: the verdict names them. */
  readonly requireWitnessed?: NewestEntries | undefined;
  /** Entries verified, of how many the server's checkpoint claims: for a progress bar, never for the verdict. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Verifies a trail of a running server as a client that remembers: the log must extend what was seen the last time.
 *
 * @throws SealtrailError unauthenticated | forbidden | trail_not_found | not_found | storage_unavailable when the server
 *   does not let the log be read; invalid_policy; invalid_configuration for the address and the remembered checkpoints
 */
export async function verifyRemote(options: VerifyRemoteOptions): Promise<TrailVerdict> {
  const { remote, trail, onProgress, signal } = options;
  const policy = parsePolicy(options.policyText);
  const judge = createCheckpointJudge(policy, { native: nativeEd25519Verify });
  const remembered = new RememberedCheckpoints(options.rememberFile);
  // By address, not by origin: a policy may know several logs, and a server must not answer with another one than before.
  const key = resourceUrl(remote, `trails/${encodeURIComponent(trail)}`).href;
  const isSigned = (note: string): boolean => {
    try {
      return judge.judge(note).logKeys.length > 0;
    } catch {
      return false;
    }
  };
  const evidence = await RemoteEvidence.open({ remote, trail, remembered: remembered.get(key), isSigned });
  const verdict = await verifyTrail(evidence, {
    policy: judge,
    origin: originOf(trail, evidence.origin, policy),
    sha256: nativeSha256,
    inspectEntry,
    ...(options.requireWitnessed && { requireWitnessed: options.requireWitnessed }),
    ...(onProgress && { onProgress: (entries) => onProgress(entries, evidence.claimedSize) }),
    ...(signal && { signal }),
  });
  if (evidence.refusal) throw evidence.refusal;
  // Only what held is remembered: a bad answer must not become the measure of the next one.
  if (verdict.ok && verdict.checkpoint) remembered.put([[key, verdict.checkpoint.note]]);
  return verdict;
}

/**
 * The origin that a trail must have. Names of trails end their origins: a server must not answer for one trail with another
 * one that the policy knows as well.
 */
function originOf(trail: string, claimed: string, { logs }: TrustPolicy): string {
  if (claimed.endsWith(`/${trail}`)) return claimed;
  const pinned = logs.find(({ key }) => key.name.endsWith(`/${trail}`));
  return pinned?.key.name ?? `<prefix>/${trail}`;
}

const text = new TextDecoder('utf-8', { fatal: true });

function inspectEntry(bytes: Uint8Array): EntryFacts | undefined {
  const { trail, receivedAt } = JSON.parse(text.decode(bytes)) as Partial<Entry>;
  return typeof trail === 'string' && typeof receivedAt === 'string' ? { trail, receivedAt } : undefined;
}
