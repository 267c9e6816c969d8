import { existsSync, readFileSync } from 'node:fs';
import { type Entry, type EntryFacts, parsePolicy, type TrailVerdict, verifyTrail } from '@sealtrail/core';
import { writeDurably } from '../adapters/fs/data-folder.ts';
import { RemoteEvidence, type RemoteLog } from '../adapters/http/remote-evidence.ts';
import { nativeEd25519Verify } from '../adapters/native-ed25519.ts';
import { nativeSha256 } from '../adapters/native-sha256.ts';

export interface VerifyRemoteOptions {
  readonly remote: RemoteLog;
  readonly trail: string;
  /** Text of the pinned trust policy. */
  readonly policyText: string;
  /** File in which the last checkpoint seen is kept from one verification to the next. */
  readonly rememberFile: string;
  readonly onProgress?: (entries: number) => void;
}

/** Verifies a trail of a running server as a client that remembers: the log must extend what was seen the last time. */
export async function verifyRemote(options: VerifyRemoteOptions): Promise<TrailVerdict> {
  const policy = parsePolicy(options.policyText);
  const remembered = readRemembered(options.rememberFile);
  const evidence = await RemoteEvidence.open(options.remote, options.trail, remembered[options.trail]);
  const verdict = await verifyTrail(evidence, {
    policy,
    sha256: nativeSha256,
    native: nativeEd25519Verify,
    inspectEntry,
    onProgress: (entries) => options.onProgress?.(entries),
  });
  // Only what held is remembered: a bad answer must not become the measure of the next one.
  if (verdict.ok && verdict.checkpoint) {
    writeDurably(options.rememberFile, `${JSON.stringify({ ...remembered, [options.trail]: verdict.checkpoint.note }, undefined, 2)}\n`, 0o644);
  }
  return verdict;
}

const text = new TextDecoder('utf-8', { fatal: true });

function inspectEntry(bytes: Uint8Array): EntryFacts | undefined {
  const { trail, receivedAt } = JSON.parse(text.decode(bytes)) as Entry;
  return typeof trail === 'string' && typeof receivedAt === 'string' ? { trail, receivedAt } : undefined;
}

function readRemembered(file: string): Record<string, string> {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>) : {};
}
