import { parentPort, workerData } from 'node:worker_threads';
import type { RuleReport } from '@sealtrail/core';
import type { RuleSource } from '@sealtrail/core/sigma';
import { ruleReport, type TestResults, testRule } from '../rules/rule-report.ts';
import { readShippedRules } from '../rules/shipped-rules.ts';
import type { Failure } from '../sequencer/protocol.ts';
import { failureOf } from './failure.ts';

/** What the thread is started with. */
export interface TrialThreadOptions {
  /** Folder of the rules that are built in. */
  readonly rules: string;
}

/** What of rules is to be tried, beside those that were added to the ones built in. */
export type TrialTask = { readonly added: readonly RuleSource[] } & (
  | { readonly yaml: string; readonly inPlaceOf: string | undefined }
  | { readonly key: string }
);

export type TrialReply =
  | { readonly report: RuleReport }
  | { readonly results: TestResults }
  | { readonly failure: Failure };

if (parentPort) {
  const port = parentPort;
  const builtIn = readShippedRules((workerData as TrialThreadOptions).rules);
  const answer = async ({ added, ...task }: TrialTask): Promise<TrialReply> => {
    const sources = [...(await builtIn), ...added];
    if ('key' in task) return { results: testRule(sources, task.key) };
    return { report: ruleReport(sources, task.yaml, task.inPlaceOf) };
  };
  port.on('message', (task: TrialTask) => {
    void answer(task)
      .catch((error: unknown): TrialReply => ({ failure: failureOf(error) }))
      .then((reply) => port.postMessage(reply));
  });
}
