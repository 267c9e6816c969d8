import type { Worker } from 'node:worker_threads';
import { type Backtest, SealtrailError } from '@sealtrail/core';
import type { BacktestReply, BacktestTask } from '../threads/backtest-thread.ts';
import { ErrandThread } from '../threads/errand-thread.ts';
import type { InOrder } from './find-in-order.ts';

/** Entries, and time, after which a backtest ends with what it has. */
const limits = { maxEntries: 5_000_000, maxMs: 60_000 } as const;

type Settings = Pick<BacktestTask, 'dir' | 'rules' | 'latenessMs' | 'locations'>;

/** What is tried or looked at again. */
export type BacktestRequest = Omit<BacktestTask, keyof Settings | 'isInOrder' | keyof typeof limits>;

/** Backtests on a running server, one at a time: each in a thread of its own, so that nothing waits for them. */
export class Backtests implements AsyncDisposable {
  readonly #errands: ErrandThread<BacktestTask, BacktestReply>;
  readonly #settings: Settings;

  constructor(settings: Settings, start: () => Worker) {
    this.#settings = settings;
    this.#errands = new ErrandThread(start, { busy: 'another backtest is running' });
  }

  /** @throws SealtrailError overloaded while another one runs, by rejecting */
  async run(task: BacktestRequest): Promise<Backtest> {
    const reply = await this.#errands.run({ ...this.#settings, ...limits, ...task, isInOrder: false });
    if ('result' in reply) return reply.result;
    throw new SealtrailError('internal');
  }

  /** What correlations find in the order in which events happened. @throws as `run` */
  async findInOrder(task: BacktestRequest): Promise<InOrder> {
    const reply = await this.#errands.run({ ...this.#settings, ...limits, ...task, isInOrder: true });
    if ('inOrder' in reply) return reply.inOrder;
    throw new SealtrailError('internal');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#errands[Symbol.asyncDispose]();
  }
}
