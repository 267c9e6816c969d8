import { type Notification, SealtrailError } from '@sealtrail/core';
import type { Outbox, Outgoing, Sender, SendOutcome, Settlement } from '../../../channel-ports.ts';
import { sampleNotification } from '../../../channels/testing/sample-notification.ts';

/** The n-th notification of a test. */
export const numbered = (number: number): Notification =>
  sampleNotification({ id: `alr_${number.toString(16).padStart(24, '0')}` }, 'alert.opened', number);

/** Its number. */
export const numberOf = (body: string): number =>
  Number.parseInt((JSON.parse(body) as Notification).id.slice(4), 16);

/** What a webhook was sent: to which channel, and which notification. */
export type Sent = readonly [channel: string, number: number];

/** A sender that answers as a test says, and keeps what it was given. */
export class ScriptedSender implements Sender {
  readonly sent: Sent[] = [];
  answer: (sent: Sent, signal: AbortSignal) => SendOutcome | Promise<SendOutcome> = () => ({
    kind: 'delivered',
  });

  async send(outgoing: Outgoing, signal: AbortSignal): Promise<SendOutcome> {
    if (outgoing.via !== 'http') throw new Error('expected a webhook');
    const sent = [outgoing.url.slice(outgoing.url.lastIndexOf('/') + 1), numberOf(outgoing.body)] as const;
    this.sent.push(sent);
    return this.answer(sent, signal);
  }

  /** Numbers that went to a channel, in order. */
  to(channel: string): number[] {
    return this.sent.filter(([id]) => id === channel).map(([, number]) => number);
  }
}

/** Never ends but with the signal. */
export const hanging = (_sent: Sent, signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

/** An outbox whose settling fails when a test says so, before or after it took effect. */
export function faulty(outbox: Outbox, fault: (phase: 'before' | 'after') => boolean): Outbox {
  return new Proxy(outbox, {
    get(target, name) {
      if (name === 'settle')
        return (settlements: readonly Settlement[]): void => {
          if (fault('before')) throw new SealtrailError('storage_unavailable');
          target.settle(settlements);
          if (fault('after')) throw new SealtrailError('storage_unavailable');
        };
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
