import type { Worker } from 'node:worker_threads';
import type { SystemEvent } from '../access/system-trail.ts';
import { ErrandThread } from '../threads/errand-thread.ts';
import type { VerifyReply } from '../threads/verify-thread.ts';

export interface VerificationScheduleParts {
  /** Starts a thread that verifies the folder when it is asked. */
  readonly start: () => Worker;
  /** Time between two verifications. */
  readonly everyMs: number;
  /** Puts what was found into the trail `system`. */
  readonly record: (event: SystemEvent) => Promise<void>;
  /** Told when a verification could not be made, or what it found not be recorded. */
  readonly onError: (error: unknown) => void;
}

/** Soon after a start, since a server that is often started anew would never come to it. */
const firstMs = 600_000;

/**
 * Has the server verify its own log now and then, in a thread of its own. What it finds is in the trail `system`, trail by
 * trail, as `log.verify`: rules see it there, and auditors that it was done. It takes the place of no verification from
 * outside: who can change the log may change the server too.
 */
export class VerificationSchedule implements AsyncDisposable {
  readonly #parts: VerificationScheduleParts;
  #timer: NodeJS.Timeout;
  readonly #errands: ErrandThread<null, VerifyReply>;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: VerificationScheduleParts) {
    this.#parts = parts;
    this.#errands = new ErrandThread(parts.start, { busy: 'the log is being verified' });
    this.#timer = this.#after(Math.min(firstMs, parts.everyMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#errands[Symbol.asyncDispose]();
    await this.#running;
  }

  #after(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#running = this.#run().finally(() => {
        if (!this.#isClosed) this.#timer = this.#after(this.#parts.everyMs);
      });
    }, ms).unref();
  }

  async #run(): Promise<void> {
    try {
      const { trails, codes } = await this.#errands.run(null);
      const found = [
        ...trails.map(({ ok, ...trail }) =>
          verificationEvent(ok, [{ type: 'trail', id: trail.trail }], trail),
        ),
        // What is wrong with the folder as a whole is wrong with no one trail.
        ...(codes.length > 0 ? [verificationEvent(false, [], { codes })] : []),
      ];
      await Promise.all(found.map((event) => this.#parts.record(event)));
    } catch (error) {
      if (!this.#isClosed) this.#parts.onError(error);
    }
  }
}

/** The entry about one verification; without a target about the folder as a whole. */
export const verificationEvent = (
  ok: boolean,
  targets: NonNullable<SystemEvent['targets']>,
  metadata: NonNullable<SystemEvent['metadata']>,
): SystemEvent => ({
  action: 'log.verify',
  category: 'system',
  outcome: ok ? 'success' : 'failure',
  severity: ok ? 'informational' : 'critical',
  actor: { type: 'system' },
  ...(targets.length > 0 && { targets }),
  metadata,
});
