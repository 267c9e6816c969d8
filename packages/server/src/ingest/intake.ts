import {
  canonicalJson,
  createRedactor,
  type Event,
  type JsonValue,
  type RedactionRules,
} from '@sealtrail/core';
import type { LogClient } from '../sequencer/log-client.ts';
import type { IngestScope } from './ingest-scope.ts';
import { type IntakeParts, IntakeRequest } from './intake-request.ts';

/** How events are taken in; without `createTrail` the log alone makes trails that are written to for the first time. */
export type IntakeOptions = Pick<IntakeParts, 'now' | 'random'> &
  Partial<Pick<IntakeParts, 'createTrail'>> & { readonly redaction?: RedactionRules };

/** parse -> validate -> authorize -> redact -> encode -> queue, for one event after the other. */
export class Intake {
  readonly #parts: IntakeParts;

  constructor(log: LogClient, { redaction, ...options }: IntakeOptions) {
    const redact = createRedactor(redaction);
    this.#parts = { createTrail: (name) => log.createTrail(name), ...options, log, redact };
  }

  /**
   * Starts one request.
   *
   * @param partial true: store what is good and report the rest; false: all or nothing
   */
  begin(scope: IngestScope, partial: boolean): IntakeRequest {
    return new IntakeRequest(this.#parts, scope, partial);
  }

  /** An event as it would be stored: without what the rules of redaction name. */
  redacted(event: Event): Event {
    return this.#parts.redact(event, canonicalJson(event as JsonValue));
  }
}
