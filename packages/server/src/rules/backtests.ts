import type { Worker } from 'node:worker_threads';
import { type Backtest, SealtrailError } from '@sealtrail/core';
import type { BacktestReply, BacktestThreadOptions, InOrder } from '../threads/backtest-thread.ts';

/** Entries, and time, after which a backtest ends with what it has. */
const limits = { maxEntries: 5_000_000, maxMs: 60_000 } as const;

export type BacktestTask = Omit<
  BacktestThreadOptions,
  'dir' | 'latenessMs' | 'locations' | 'isInOrder' | keyof typeof limits
>;

/** Backtests on a running server, one at a time: each in a thread of its own, so that nothing waits for them. */
export class Backtests implements AsyncDisposable {
  readonly #start: (options: BacktestThreadOptions) => Worker;
  readonly #options: Pick<BacktestThreadOptions, 'dir' | 'latenessMs' | 'locations'>;
  #worker: Worker | undefined;

  constructor(
    options: Pick<BacktestThreadOptions, 'dir' | 'latenessMs' | 'locations'>,
    start: (options: BacktestThreadOptions) => Worker,
  ) {
    this.#options = options;
    this.#start = start;
  }

  /** @throws SealtrailError overloaded while another one runs, by rejecting */
  async run(task: BacktestTask): Promise<Backtest> {
    const reply = await this.#ask({ ...task, isInOrder: false });
    if ('result' in reply) return reply.result;
    throw new SealtrailError('internal');
  }

  /** What correlations find in the order in which events happened. @throws as `run` */
  async findInOrder(task: BacktestTask): Promise<InOrder> {
    const reply = await this.#ask({ ...task, isInOrder: true });
    if ('inOrder' in reply) return reply.inOrder;
    throw new SealtrailError('internal');
  }

  async #ask(task: BacktestTask & Pick<BacktestThreadOptions, 'isInOrder'>): Promise<BacktestReply> {
    if (this.#worker)
      throw new SealtrailError('overloaded', 'another backtest is running', { retryAfterSeconds: 10 });
    const worker = this.#start({ ...this.#options, ...limits, ...task });
    this.#worker = worker;
    try {
      const reply = await new Promise<BacktestReply>((resolve, reject) => {
        worker.on('message', resolve);
        worker.on('error', reject);
        worker.on('exit', () => reject(new SealtrailError('shutting_down')));
      });
      if ('failure' in reply) throw new SealtrailError(reply.failure.code, reply.failure.message);
      return reply;
    } finally {
      this.#worker = undefined;
      await worker.terminate();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate();
  }
}
