import { parentPort, workerData } from 'node:worker_threads';
import type { VerdictCode } from '@sealtrail/core';
import type { Failure } from '../sequencer/protocol.ts';
import { verifyFolder } from '../verify/verify-folder.ts';
import { failureOf } from './failure.ts';

/** What the thread is started with. */
export interface VerifyThreadOptions {
  readonly dir: string;
}

/** What a verification says of a trail, in a few words. */
export interface TrailSummary {
  readonly trail: string;
  readonly ok: boolean;
  readonly size: number;
  /** Entries that a signed checkpoint vouches for. */
  readonly coveredSize: number;
  /** Of failed checks, each once. */
  readonly codes: readonly VerdictCode[];
}

export type VerifyReply =
  | {
      readonly trails: readonly TrailSummary[];
      /** Of failed checks of the folder as a whole. */
      readonly codes: readonly VerdictCode[];
    }
  | { readonly failure: Failure };

const failedCodes = (
  checks: readonly { readonly status: string; readonly code: VerdictCode }[],
): VerdictCode[] => [...new Set(checks.filter(({ status }) => status === 'failed').map(({ code }) => code))];

async function run({ dir }: VerifyThreadOptions): Promise<VerifyReply> {
  const { trails, checks } = await verifyFolder(dir);
  return {
    trails: trails.map(({ trail, ok, size, coveredSize, checks: own }) => ({
      ...{ trail, ok, size, coveredSize },
      codes: failedCodes(own),
    })),
    codes: failedCodes(checks),
  };
}

if (parentPort) {
  const port = parentPort;
  port.on('message', () => {
    void run(workerData as VerifyThreadOptions)
      .catch((error: unknown): VerifyReply => ({ failure: failureOf(error) }))
      .then((reply) => port.postMessage(reply));
  });
}
