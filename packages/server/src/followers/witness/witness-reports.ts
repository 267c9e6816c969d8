import type { SystemEvent } from '../../access/system-trail.ts';
import type { FailureCode } from './ask-witness.ts';

/** The same failure of a witness is reported once in this time, should it come and go. */
const quietMs = 600_000;

/** What a report is about. */
export interface ReportSubject {
  readonly witness: string;
  readonly trail: string;
}

/** A failure to report. */
export interface ReportedFailure {
  readonly code: FailureCode;
  /** What a checkpoint that the witness shows proves, if it does. */
  readonly proven?: 'rolled_back' | 'forked' | undefined;
  /** The size that the witness claims. */
  readonly size?: number | undefined;
}

/**
 * Puts into the trail `system` what witnesses do, as `log.witness`: when one signs for the first time or again, and when it
 * fails, once until it signs again. Never once a checkpoint: a trail would otherwise grow by its being witnessed.
 */
export class WitnessReports {
  readonly #record: (event: SystemEvent) => Promise<void>;
  readonly #onError: (error: unknown) => void;
  readonly #now: () => number;
  /** What failures are open, by what they are of. */
  readonly #open: Map<string, string> = new Map();
  /** When what was reported, by what it is of. */
  readonly #reportedMs: Map<string, number> = new Map();

  constructor(
    record: (event: SystemEvent) => Promise<void>,
    onError: (error: unknown) => void,
    now: () => number,
  ) {
    this.#record = record;
    this.#onError = onError;
    this.#now = now;
  }

  /** The witness has cosigned a checkpoint of the trail. */
  signed(subject: ReportSubject, isFirst: boolean): void {
    const { witness, trail } = subject;
    const wasDown = this.#open.delete(witness);
    const hadFailed = this.#open.delete(ofTrail(subject));
    if (isFirst || wasDown || hadFailed)
      this.#report(
        eventOf(subject, { outcome: 'success', severity: 'informational', metadata: { trail, witness } }),
      );
  }

  /** The witness has not cosigned a checkpoint of the trail. */
  failed(subject: ReportSubject, { code, proven, size }: ReportedFailure): void {
    const { witness, trail } = subject;
    // A witness that does not answer is one outage, whatever it was to be asked.
    const key = code === 'unreachable' ? witness : ofTrail(subject);
    const found = [code, proven].filter((word) => word !== undefined).join(' ');
    const reportedMs = this.#reportedMs.get(`${key}\n${found}`) ?? Number.NEGATIVE_INFINITY;
    if (this.#open.get(key) === found || this.#now() - reportedMs < quietMs) return;
    this.#open.set(key, found);
    this.#reportedMs.set(`${key}\n${found}`, this.#now());
    const isDenied = code === 'conflict' || code === 'inconsistent';
    this.#report(
      eventOf(subject, {
        outcome: isDenied ? 'denied' : 'failure',
        severity: isDenied ? 'critical' : 'medium',
        metadata: {
          trail,
          witness,
          codes: [code, ...(proven === undefined ? [] : [proven])],
          ...(size !== undefined && { size }),
        },
      }),
      () => {
        // Not reported: the next attempt does it.
        this.#open.delete(key);
        this.#reportedMs.delete(`${key}\n${found}`);
      },
    );
  }

  #report(event: SystemEvent, onFailure: () => void = () => {}): void {
    this.#record(event).catch((error: unknown) => {
      onFailure();
      this.#onError(error);
    });
  }
}

const ofTrail = ({ witness, trail }: ReportSubject): string => `${witness}\n${trail}`;

const eventOf = (
  { trail }: ReportSubject,
  event: Pick<SystemEvent, 'outcome' | 'severity' | 'metadata'>,
): SystemEvent => ({
  action: 'log.witness',
  category: 'system',
  actor: { type: 'system' },
  targets: [{ type: 'trail', id: trail }],
  ...event,
});
