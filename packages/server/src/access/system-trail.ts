import type { Event, SealtrailError } from '@sealtrail/core';
import type { Intake } from '../ingest/intake.ts';
import { systemTrail } from './permissions.ts';
import { systemScope } from './scopes.ts';

/** What the server reports of itself: the trail is always `system`. */
export type SystemEvent = Omit<Event, 'trail' | 'schemaVersion' | 'producer'>;

/** Reports what is done to the audit log itself, into the trail `system`. */
export class SystemTrail {
  readonly #intake: Intake;
  readonly #onError: (error: SealtrailError | Error) => void;

  constructor(intake: Intake, onError: (error: SealtrailError | Error) => void) {
    this.#intake = intake;
    this.#onError = onError;
  }

  /** Resolves when the entry is durable: what must not happen unrecorded waits for it. */
  async record(event: SystemEvent): Promise<void> {
    const request = this.#intake.begin(systemScope, false);
    request.addValue({ category: 'system', outcome: 'success', ...event, trail: systemTrail });
    await request.finish();
  }

  /** Records what has happened anyway; a failure is reported, not thrown. */
  note(event: SystemEvent): void {
    this.record(event).catch(this.#onError);
  }
}
