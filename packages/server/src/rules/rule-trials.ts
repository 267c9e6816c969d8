import type { Worker } from 'node:worker_threads';
import { type RuleReport, SealtrailError } from '@sealtrail/core';
import type { RuleSource } from '@sealtrail/core/sigma';
import { ErrandThread } from '../threads/errand-thread.ts';
import type { TrialReply, TrialTask } from '../threads/trial-thread.ts';
import type { TestResults } from './rule-report.ts';

/** What rules are tried on takes no longer than this: who writes them decides how much it is. */
const maxMs = 20_000;
const maxWaiting = 8;
/** Who writes rules has them tried again and again: a thread that is there answers at once. */
const keepMs = 60_000;

/** Tries rules that somebody wrote in a thread of its own, within a time. */
export class RuleTrials implements AsyncDisposable {
  readonly #errands: ErrandThread<TrialTask, TrialReply>;

  /** @param deadlineMs default 20 seconds */
  constructor(start: () => Worker, deadlineMs: number = maxMs) {
    this.#errands = new ErrandThread(start, {
      busy: 'other rules are being tried',
      maxWaiting,
      keepMs,
      deadline: {
        ms: deadlineMs,
        error: () =>
          new SealtrailError(
            'invalid_rule',
            `expected tests that end within ${deadlineMs / 1000} seconds: have fewer events in them, or simpler patterns`,
          ),
      },
    });
  }

  /**
   * What would be said of a rule file.
   *
   * @param added the rule files that were added to those built in
   * @throws SealtrailError invalid_rule, overloaded, by rejecting
   */
  async report(
    added: readonly RuleSource[],
    yaml: string,
    inPlaceOf: string | undefined,
  ): Promise<RuleReport> {
    const reply = await this.#errands.run({ added, yaml, inPlaceOf });
    if ('report' in reply) return reply.report;
    throw new SealtrailError('internal');
  }

  /** What comes of the tests of a rule. @throws as `report` */
  async test(added: readonly RuleSource[], key: string): Promise<TestResults> {
    const reply = await this.#errands.run({ added, key });
    if ('results' in reply) return reply.results;
    throw new SealtrailError('internal');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#errands[Symbol.asyncDispose]();
  }
}
