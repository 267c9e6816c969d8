import { parentPort } from 'node:worker_threads';
import type { Backtest } from '@sealtrail/core';
import { loadRules } from '@sealtrail/core/sigma';
import type { RulesForBacktest } from '../followers/detect/detection-calls.ts';
import { backtestFolder, findInOrderIn } from '../rules/backtest-folder.ts';
import type { InOrder } from '../rules/find-in-order.ts';
import { rulesAlone } from '../rules/rules-alone.ts';
import { readShippedRules } from '../rules/shipped-rules.ts';
import type { Failure } from '../sequencer/protocol.ts';
import { failureOf } from './failure.ts';

/** What the thread is asked: it tries rules, or looks again at what came too late for correlations. */
export interface BacktestTask extends Omit<RulesForBacktest, 'digest'> {
  readonly dir: string;
  /** Folder of the rules that are built in. */
  readonly rules: string;
  readonly trail: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly latenessMs: number;
  readonly locations: readonly string[];
  readonly maxEntries: number;
  readonly maxMs: number;
  readonly isInOrder: boolean;
}

export type BacktestReply =
  | { readonly result: Backtest }
  | { readonly inOrder: InOrder }
  | { readonly failure: Failure };

/** One backtest, beside everything else. */
async function run({
  dir,
  rules: builtIn,
  added,
  keys,
  locations,
  maxEntries,
  maxMs,
  isInOrder,
  ...options
}: BacktestTask): Promise<BacktestReply> {
  const sources = [...(await readShippedRules(builtIn)), ...added];
  const rules = rulesAlone(loadRules(sources), new Set(keys));
  const endMs = performance.now() + maxMs;
  if (isInOrder) return { inOrder: findInOrderIn(dir, { ...options, rules, locations, nowMs: Date.now() }) };
  const result = backtestFolder(dir, {
    ...options,
    rules,
    locations,
    onProgress: (done) => done < maxEntries && performance.now() < endMs,
  });
  return { result };
}

if (parentPort) {
  const port = parentPort;
  port.on('message', (task: BacktestTask) => {
    void run(task)
      .catch((error: unknown): BacktestReply => ({ failure: failureOf(error) }))
      .then((reply) => port.postMessage(reply));
  });
}
