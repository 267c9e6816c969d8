import { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';
import type { WriteFault } from '../../ports.ts';
import { LogThread, type LogThreadOptions } from '../../threads/log-thread.ts';
import type { LogRequest } from '../protocol.ts';

/** The log thread's code in the test's own thread, so that its writes can be made to fail. Messages are copied as between threads. */
export class InlineWorker extends EventEmitter {
  readonly #thread: LogThread;

  constructor(options: LogThreadOptions, fault?: WriteFault) {
    super();
    this.#thread = new LogThread(
      options,
      (reply) => {
        const copy = structuredClone(reply);
        setImmediate(() => this.emit('message', copy));
      },
      fault,
    );
  }

  postMessage(request: LogRequest, transfer: ArrayBuffer[] = []): void {
    const copy = structuredClone(request, { transfer });
    setImmediate(() => {
      this.#thread.handle(copy);
      if (copy.kind === 'close') setImmediate(() => this.emit('exit', 0));
    });
  }

  terminate(): Promise<number> {
    this.#thread[Symbol.dispose]();
    return Promise.resolve(0);
  }

  /** As what the client takes it for. */
  get asWorker(): Worker {
    return this as unknown as Worker;
  }
}
