import { SealtrailError } from '@sealtrail/core';
import { createRecorder, type QueueingRecorder, type RecorderSettings } from '../recorder.ts';
import type { IngestServer } from './ingest-server.ts';

export const TOKEN = 'stk_test-only.0123456789';

/** Settings under which nothing takes longer than it must. */
export const quick = { lingerMs: 0, retryBaseMs: 1, retryMaxMs: 4, onError: () => undefined } as const;

export function recorderFor(server: IngestServer, settings: RecorderSettings = {}): QueueingRecorder {
  return createRecorder({ url: server.url, token: TOKEN, ...quick, ...settings });
}

/** How a promise ends: its value, or the error it rejects with, which must be of our class. */
export async function outcome<T>(promise: Promise<T>): Promise<T | SealtrailError> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof SealtrailError) return error;
    throw error;
  }
}

/** The code a promise rejects with, or 'ok'. */
export async function code(promise: Promise<unknown>): Promise<string> {
  const result = await outcome(promise);
  return result instanceof SealtrailError ? result.code : 'ok';
}
