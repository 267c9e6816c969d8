import { parentPort, workerData } from 'node:worker_threads';
import type { RuleReport } from '@sealtrail/core';
import type { RuleSource } from '@sealtrail/core/sigma';
import { ruleReport, type TestResults, testRule } from '../rules/rule-report.ts';
import { readShippedRules } from '../rules/shipped-rules.ts';
import type { Failure } from '../sequencer/protocol.ts';
import { failureOf } from './failure.ts';

/** What the thread is started with, beside what of rules is to be tried. */
export type TrialThreadOptions = {
  /** Folder of the rules that are built in. */
  readonly rules: string;
  /** The rule files that were added to them. */
  readonly added: readonly RuleSource[];
} & ({ readonly yaml: string; readonly inPlaceOf: string | undefined } | { readonly key: string });

export type TrialReply =
  | { readonly report: RuleReport }
  | { readonly results: TestResults }
  | { readonly failure: Failure };

async function run({ rules, added, ...task }: TrialThreadOptions): Promise<TrialReply> {
  const sources = [...(await readShippedRules(rules)), ...added];
  if ('key' in task) return { results: testRule(sources, task.key) };
  return { report: ruleReport(sources, task.yaml, task.inPlaceOf) };
}

if (parentPort) {
  const port = parentPort;
  const reply = (message: TrialReply): void => port.postMessage(message);
  await run(workerData as TrialThreadOptions).then(reply, (error: unknown) =>
    reply({ failure: failureOf(error) }),
  );
}
