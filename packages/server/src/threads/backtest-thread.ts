import { parentPort, workerData } from 'node:worker_threads';
import type { Backtest } from '@sealtrail/core';
import { loadRules } from '@sealtrail/core/sigma';
import type { RulesForBacktest } from '../followers/detect/detection-calls.ts';
import { backtestFolder } from '../rules/backtest-folder.ts';
import { rulesAlone } from '../rules/rules-alone.ts';
import type { Failure } from '../sequencer/protocol.ts';
import { failureOf } from './failure.ts';

/** What the thread is started with. */
export interface BacktestThreadOptions extends RulesForBacktest {
  readonly dir: string;
  readonly trail: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly latenessMs: number;
  readonly locations: readonly string[];
  readonly maxEntries: number;
  readonly maxMs: number;
}

export type BacktestReply = { readonly result: Backtest } | { readonly failure: Failure };

/** One backtest, beside everything else. */
function run({
  dir,
  sources,
  keys,
  locations,
  maxEntries,
  maxMs,
  ...options
}: BacktestThreadOptions): Backtest {
  const rules = rulesAlone(loadRules(sources), new Set(keys));
  const endMs = performance.now() + maxMs;
  return backtestFolder(dir, {
    ...options,
    rules,
    locations,
    onProgress: (done) => done < maxEntries && performance.now() < endMs,
  });
}

if (parentPort) {
  const reply = (message: BacktestReply): void => parentPort!.postMessage(message);
  try {
    reply({ result: run(workerData as BacktestThreadOptions) });
  } catch (error) {
    reply({ failure: failureOf(error) });
  }
}
