import type { Worker } from 'node:worker_threads';
import { SealtrailError } from '@sealtrail/core';
import type { Failure } from '../sequencer/protocol.ts';

export interface ErrandOptions {
  /** What is said to whoever comes while too many wait. */
  readonly busy: string;
  /** Errands that may wait for the one that runs; default none. */
  readonly maxWaiting?: number;
  /** An errand that takes longer is ended; default: none does. */
  readonly deadline?: { readonly ms: number; readonly error: () => SealtrailError };
}

/** Errands, one at a time, each in a thread of its own that answers once: so that nothing else waits for them. */
export class ErrandThread<Task, Reply extends object> implements AsyncDisposable {
  readonly #start: (task: Task) => Worker;
  readonly #options: ErrandOptions;
  #worker: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #open = 0;
  #isClosed = false;

  constructor(start: (task: Task) => Worker, options: ErrandOptions) {
    this.#start = start;
    this.#options = options;
  }

  /** @throws SealtrailError overloaded | shutting_down by rejecting, and what the thread fails with */
  async run(task: Task): Promise<Exclude<Reply, { failure: Failure }>> {
    const { busy, maxWaiting = 0 } = this.#options;
    if (this.#open > maxWaiting) throw new SealtrailError('overloaded', busy, { retryAfterSeconds: 10 });
    this.#open++;
    const before = this.#last;
    const running = before.then(() => this.#run(task));
    this.#last = running.catch(() => {});
    try {
      return await running;
    } finally {
      this.#open--;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
  }

  async #run(task: Task): Promise<Exclude<Reply, { failure: Failure }>> {
    if (this.#isClosed) throw new SealtrailError('shutting_down');
    const { deadline } = this.#options;
    const worker = this.#start(task);
    this.#worker = worker;
    let timer: NodeJS.Timeout | undefined;
    try {
      const reply = await new Promise<Reply>((resolve, reject) => {
        worker.on('message', resolve);
        worker.on('error', reject);
        worker.on('exit', () => reject(new SealtrailError('shutting_down')));
        if (deadline) timer = setTimeout(() => reject(deadline.error()), deadline.ms);
      });
      if (isFailure(reply)) throw new SealtrailError(reply.failure.code, reply.failure.message);
      return reply as Exclude<Reply, { failure: Failure }>;
    } finally {
      clearTimeout(timer);
      this.#worker = undefined;
      await worker.terminate();
    }
  }
}

const isFailure = (reply: object): reply is { readonly failure: Failure } => 'failure' in reply;
