import type { Worker } from 'node:worker_threads';
import { SealtrailError } from '@sealtrail/core';
import type { Failure } from '../sequencer/protocol.ts';

export interface ErrandOptions {
  /** What is said to whoever comes while too many wait. */
  readonly busy: string;
  /** Errands that may wait for the one that runs; default none. */
  readonly maxWaiting?: number;
  /** An errand that takes longer is ended, with the thread; default: none does. */
  readonly deadline?: { readonly ms: number; readonly error: () => SealtrailError };
  /** How long the thread is kept for the next one, in milliseconds; default not at all. */
  readonly keepMs?: number;
}

/**
 * Errands, one at a time, in a thread that is there for them alone and answers each message with one: so that nothing else
 * waits for them.
 */
export class ErrandThread<Task, Reply extends object> implements AsyncDisposable {
  readonly #start: () => Worker;
  readonly #options: ErrandOptions;
  #worker: Worker | undefined;
  #end: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #open = 0;
  #isClosed = false;

  constructor(start: () => Worker, options: ErrandOptions) {
    this.#start = start;
    this.#options = options;
  }

  /** @throws SealtrailError overloaded | shutting_down by rejecting, and what the errand fails with */
  async run(task: Task): Promise<Exclude<Reply, { failure: Failure }>> {
    const { busy, maxWaiting = 0 } = this.#options;
    if (this.#open > maxWaiting) throw new SealtrailError('overloaded', busy, { retryAfterSeconds: 10 });
    this.#open++;
    const running = this.#last.then(() => this.#run(task));
    this.#last = running.catch(() => {});
    try {
      return await running;
    } finally {
      this.#open--;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#stop();
  }

  async #run(task: Task): Promise<Exclude<Reply, { failure: Failure }>> {
    if (this.#isClosed) throw new SealtrailError('shutting_down');
    clearTimeout(this.#end);
    this.#worker ??= this.#begin();
    const { keepMs } = this.#options;
    let reply: Reply;
    try {
      reply = await this.#ask(this.#worker, task);
    } catch (error) {
      await this.#stop();
      throw error;
    }
    if (keepMs === undefined) await this.#stop();
    else this.#end = setTimeout(() => void this.#stop(), keepMs).unref();
    if (isFailure(reply)) throw new SealtrailError(reply.failure.code, reply.failure.message);
    return reply as Exclude<Reply, { failure: Failure }>;
  }

  #begin(): Worker {
    const worker = this.#start();
    // One that fails while it has nothing to do is missed by nobody: the next errand starts another.
    worker.on('error', () => {});
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    return worker;
  }

  #ask(worker: Worker, task: Task): Promise<Reply> {
    const { deadline } = this.#options;
    const answered = Promise.withResolvers<Reply>();
    const onExit = (): void => answered.reject(new SealtrailError('shutting_down'));
    const timer = deadline && setTimeout(() => answered.reject(deadline.error()), deadline.ms);
    worker.on('message', answered.resolve);
    worker.on('error', answered.reject);
    worker.on('exit', onExit);
    worker.postMessage(task);
    return answered.promise.finally(() => {
      clearTimeout(timer);
      worker.off('message', answered.resolve);
      worker.off('error', answered.reject);
      worker.off('exit', onExit);
    });
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#end);
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

const isFailure = (reply: object): reply is { readonly failure: Failure } => 'failure' in reply;
