import { createTreeHasher, proveConsistency, reasonOf } from '@sealtrail/core';
import type { SystemEvent } from '../../access/system-trail.ts';
import type { TileReader, WitnessTransport } from '../../ports.ts';
import type { LogClient } from '../../sequencer/log-client.ts';
import type { RetrySchedule } from '../deliver/retry-schedule.ts';
import { type WitnessCounts, WitnessLine, witnessRetries } from './witness-line.ts';
import { WitnessReports } from './witness-reports.ts';
import type { WitnessSet } from './witness-set.ts';
import { WitnessedCheckpoints } from './witnessed-checkpoints.ts';

/** What a follower works with. */
export interface WitnessFollowerParts {
  readonly witnesses: WitnessSet;
  readonly log: Pick<LogClient, 'trail' | 'trails' | 'listen' | 'cosign' | 'compare'>;
  readonly reader: Pick<TileReader, 'node' | 'lastSignedBy'>;
  readonly send: WitnessTransport;
  readonly everyMs: number;
  readonly retries?: RetrySchedule;
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array;
  /** Puts what witnesses do into the trail `system`. */
  readonly record: (event: SystemEvent) => Promise<void>;
  readonly onFailure: (message: string) => void;
}

/**
 * Has witnesses cosign what was published: C2SP tlog-witness. It follows the published checkpoints, each witness for itself,
 * and holds up nothing; see docs/decisions/0012-asking-witnesses.md.
 */
export class WitnessFollower implements AsyncDisposable {
  readonly witnessed: WitnessedCheckpoints;
  readonly #parts: WitnessFollowerParts;
  readonly #lines: readonly WitnessLine[];
  readonly #stopListening: () => void;

  constructor(parts: WitnessFollowerParts) {
    this.#parts = parts;
    const { log, reader, witnesses, now } = parts;
    const hasher = createTreeHasher();
    const reports = new WitnessReports(
      parts.record,
      (error) => parts.onFailure(`what a witness did was not recorded: ${reasonOf(error)}`),
      now,
    );
    this.witnessed = new WitnessedCheckpoints(witnesses, log, now);
    this.#lines = witnesses.witnesses.map(
      (witness) =>
        new WitnessLine({
          ...parts,
          retries: parts.retries ?? witnessRetries,
          witness,
          trail: (name) => log.trail(name),
          prove: (trail, oldSize, newSize) =>
            proveConsistency(oldSize, newSize, (level, index) => reader.node(trail, level, index), hasher),
          compare: (trail, note) => log.compare(trail, note),
          onSigned: (trail, size, signature, isFirst) => {
            log.cosign(trail, size, [signature]);
            reports.signed({ witness: witness.name, trail }, isFirst);
          },
          onFailed: (trail, failure, reason) => {
            reports.failed({ witness: witness.name, trail }, failure);
            parts.onFailure(`witness ${witness.name} has not cosigned trail ${trail}: ${reason}`);
          },
          onError: (trail, error) =>
            parts.onFailure(`no witness can be asked about trail ${trail}: ${reasonOf(error)}`),
        }),
    );
    this.#stopListening = log.listen({
      published: (trail) => {
        for (const line of this.#lines) line.add(trail);
      },
      cosigned: (trail, checkpoint) => this.witnessed.add(trail, checkpoint),
    });
  }

  /** How the witnesses do. */
  get counts(): readonly WitnessCounts[] {
    return this.#lines.map(({ counts }) => counts);
  }

  /**
   * Asks all witnesses about all trails, those too of which nothing is published: they may have been set back. It ends when each was asked, or rests; what takes longer
   * than `waitMs` goes on by itself.
   */
  async start(waitMs: number): Promise<void> {
    const { log, reader, witnesses } = this.#parts;
    const trails = log.trails().map(({ name }) => name);
    for (const trail of trails)
      for (const { verifier } of witnesses.witnesses) {
        const stored = reader.lastSignedBy(trail, verifier.key);
        if (stored) this.witnessed.addEarlier(trail, stored);
      }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, waitMs);
    });
    await Promise.race([Promise.all(this.#lines.map((line) => line.askOnce(trails))), late]);
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    await Promise.all(this.#lines.map((line) => line[Symbol.asyncDispose]()));
  }
}
