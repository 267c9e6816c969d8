import type { Worker } from 'node:worker_threads';
import { type Backtest, SealtrailError } from '@sealtrail/core';
import type { BacktestReply, BacktestThreadOptions } from '../threads/backtest-thread.ts';
import { ErrandThread } from '../threads/errand-thread.ts';
import type { InOrder } from './find-in-order.ts';

/** Entries, and time, after which a backtest ends with what it has. */
const limits = { maxEntries: 5_000_000, maxMs: 60_000 } as const;

export type BacktestTask = Omit<
  BacktestThreadOptions,
  'dir' | 'rules' | 'latenessMs' | 'locations' | 'isInOrder' | keyof typeof limits
>;

/** Backtests on a running server, one at a time: each in a thread of its own, so that nothing waits for them. */
export class Backtests implements AsyncDisposable {
  readonly #errands: ErrandThread<BacktestThreadOptions, BacktestReply>;
  readonly #options: Pick<BacktestThreadOptions, 'dir' | 'rules' | 'latenessMs' | 'locations'>;

  constructor(
    options: Pick<BacktestThreadOptions, 'dir' | 'rules' | 'latenessMs' | 'locations'>,
    start: (options: BacktestThreadOptions) => Worker,
  ) {
    this.#options = options;
    this.#errands = new ErrandThread(start, { busy: 'another backtest is running' });
  }

  /** @throws SealtrailError overloaded while another one runs, by rejecting */
  async run(task: BacktestTask): Promise<Backtest> {
    const reply = await this.#errands.run({ ...this.#options, ...limits, ...task, isInOrder: false });
    if ('result' in reply) return reply.result;
    throw new SealtrailError('internal');
  }

  /** What correlations find in the order in which events happened. @throws as `run` */
  async findInOrder(task: BacktestTask): Promise<InOrder> {
    const reply = await this.#errands.run({ ...this.#options, ...limits, ...task, isInOrder: true });
    if ('inOrder' in reply) return reply.inOrder;
    throw new SealtrailError('internal');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#errands[Symbol.asyncDispose]();
  }
}
