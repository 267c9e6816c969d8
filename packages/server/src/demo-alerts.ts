import { setTimeout as delay } from 'node:timers/promises';
import { type Alert, defaultTrail, SealtrailError } from '@sealtrail/core';
import type { DetectionAccess } from './followers/detect/detection-client.ts';

/** Alerts asked for at a time. */
const alertsPerTurn = 100;
/** How long the end of a demo waits for what its last events lead to. */
const patienceMs = 5000;
const pauseMs = 50;

/** The alerts of a demo: each is told once, when it is opened. */
export class DemoAlerts {
  readonly #detection: DetectionAccess;
  readonly #onAlert: (alert: Alert) => void;
  readonly #told: Set<string> = new Set();
  #revision: number;
  #telling: Promise<void> = Promise.resolve();

  private constructor(detection: DetectionAccess, revision: number, onAlert: (alert: Alert) => void) {
    this.#detection = detection;
    this.#revision = revision;
    this.#onAlert = onAlert;
    detection.listen(() => {
      this.#telling = this.#telling.then(() => this.#tell());
    });
  }

  /** Follows alerts from now on. @throws SealtrailError detection_unavailable */
  static async follow(detection: DetectionAccess, onAlert: (alert: Alert) => void): Promise<DemoAlerts> {
    return new DemoAlerts(detection, await detection.call('alertRevision'), onAlert);
  }

  /** Resolves when all is told that so many entries lead to, or when that takes too long. */
  async complete(entries: number): Promise<void> {
    const endMs = performance.now() + patienceMs;
    while (performance.now() < endMs && !(await this.#hasSeen(entries))) await delay(pauseMs);
    await this.#telling;
    await this.#tell();
  }

  async #hasSeen(entries: number): Promise<boolean> {
    const { trails } = await this.#detection.call('status');
    return trails.some((trail) => trail.trail === defaultTrail && trail.entries >= entries);
  }

  async #tell(): Promise<void> {
    try {
      for (;;) {
        const query = { trails: undefined, tenants: undefined, minLevel: undefined, limit: alertsPerTurn };
        const alerts = await this.#detection.call('changedAlerts', this.#revision, query);
        for (const alert of alerts) {
          this.#revision = alert.revision;
          if (this.#told.has(alert.id)) continue;
          this.#told.add(alert.id);
          this.#onAlert(alert);
        }
        if (alerts.length < alertsPerTurn) return;
      }
    } catch (error) {
      // The next change of an alert, or the end, tells of what is left out now.
      if (!(error instanceof SealtrailError)) throw error;
    }
  }
}
