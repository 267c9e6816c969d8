import type { Receipt } from '@sealtrail/core';

/** An event as the test sends it, always with an id of its own. */
export interface SentEvent {
  readonly id: string;
  readonly trail: string;
  readonly action: string;
  readonly producer: { readonly id: string; readonly seq: number };
  readonly metadata: { readonly text: string };
}

/** What the test holds the server to: everything that it was told, over all its lives. */
export class CrashLedger {
  /** By trail and id. */
  readonly receipts: Map<string, Receipt> = new Map();
  /** All that was ever sent, by trail and id. */
  readonly sent: Map<string, SentEvent> = new Map();
  /** Checkpoints that were shown, by trail and size. */
  readonly checkpoints: Map<string, Map<number, string>> = new Map();
  /** What the server has done wrong. */
  readonly faults: string[] = [];

  /** Notes what is about to be sent: from here on it may be there. */
  sending(events: readonly SentEvent[]): void {
    for (const event of events) this.sent.set(`${event.trail} ${event.id}`, event);
  }

  received(events: readonly SentEvent[], receipts: readonly Receipt[]): void {
    if (receipts.length !== events.length)
      this.faults.push(`${receipts.length} receipts for ${events.length} events`);
    for (const [i, event] of events.entries()) {
      const receipt = receipts[i];
      const key = `${event.trail} ${event.id}`;
      if (!receipt || receipt.id !== event.id || receipt.trail !== event.trail) {
        this.faults.push(`the receipt at ${i} is not that of ${key}`);
        continue;
      }
      const before = this.receipts.get(key);
      if (before && (before.index !== receipt.index || before.leafHash !== receipt.leafHash))
        this.faults.push(`${key} got a receipt for ${before.index}, then one for ${receipt.index}`);
      this.receipts.set(key, receipt);
    }
  }

  /** Notes a checkpoint; its second line is the size. */
  sawCheckpoint(trail: string, note: string): void {
    const size = Number(note.split('\n')[1]);
    const known = this.checkpoints.get(trail) ?? new Map<number, string>();
    this.checkpoints.set(trail, known);
    if ((known.get(size) ?? note) !== note)
      this.faults.push(`two checkpoints of size ${size} of ${trail} differ`);
    known.set(size, note);
  }

  receiptsOf(trail: string): Receipt[] {
    return [...this.receipts.values()].filter((receipt) => receipt.trail === trail);
  }
}
