import { Worker } from 'node:worker_threads';
import type { DataFolder } from '../../adapters/fs/data-folder.ts';
import type { LogThreadOptions } from '../../threads/log-thread.ts';
import { LogClient, type QueueLimits } from '../log-client.ts';

export interface StartedLog extends AsyncDisposable {
  readonly log: LogClient;
  readonly worker: Worker;
}

/** A log in a thread of its own, as the server starts it; not yet ready, and without trails in a new folder. */
export function startLog(
  folder: DataFolder,
  { limits, publishEveryMs = 50 }: { limits?: QueueLimits; publishEveryMs?: number } = {},
): StartedLog {
  const workerData: LogThreadOptions = { dir: folder.dir, originPrefix: 'audit.example', publishEveryMs };
  const worker = new Worker(new URL('../../threads/log-thread.ts', import.meta.url), { workerData });
  const log = new LogClient(worker, limits);
  return { log, worker, [Symbol.asyncDispose]: () => log.close() };
}
