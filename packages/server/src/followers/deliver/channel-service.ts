import {
  bodyFault,
  type Channel,
  type ChannelTarget,
  type ChannelTest,
  type ChannelUpdate,
  type ChannelWithSecret,
  type DeadLetter,
  type NewChannel,
  SealtrailError,
  type SecretRotation,
} from '@sealtrail/core';
import { deterministicId } from '../../access/deterministic-id.ts';
import type { Issuer } from '../../access/issue-token.ts';
import { randomText } from '../../access/random-text.ts';
import type { SystemEvent } from '../../access/system-trail.ts';
import type { Outbox, Sender, StoredChannel, TargetRules } from '../../channel-ports.ts';
import { outgoingOf } from '../../channels/outgoing.ts';
import { hostOf, placeOf, shownTarget } from '../../channels/shown-target.ts';
import { testNotification } from '../../channels/test-notification.ts';
import type { ActStore } from '../../detection-ports.ts';

export interface ChannelServiceParts {
  readonly outbox: Outbox;
  readonly acts: Pick<ActStore, 'add'>;
  /** Runs something as one commit of the database that `outbox` and `acts` write to. */
  readonly transaction: <T>(work: () => T) => T;
  readonly targets: TargetRules;
  readonly sender: Sender;
  /** Tells the courier that lines have changed. */
  readonly wake: () => void;
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array;
  readonly version: string;
  /** Aborted when the server closes: ends tests. */
  readonly closing: AbortSignal;
}

type ChannelAction =
  | 'channel.create'
  | 'channel.update'
  | 'channel.enable'
  | 'channel.disable'
  | 'channel.remove'
  | 'channel.rotate_secret'
  | 'channel.test'
  | 'channel.retry'
  | 'channel.discard';

const maxChannels = 256;
const maxDeadLetters = 1000;
const maxListed = 16;
const byServer: Issuer = { actor: { type: 'system' } };

/**
 * What administrators do with channels. It works on the database of detection, within its thread; each change is one commit
 * with the act that goes into the trail `system`.
 */
export class ChannelService {
  readonly #parts: ChannelServiceParts;

  constructor(parts: ChannelServiceParts) {
    this.#parts = parts;
  }

  list(): readonly Channel[] {
    return this.#parts.outbox.channels().map((channel) => this.#shown(channel));
  }

  /** @throws SealtrailError channel_not_found */
  get(id: string): Channel {
    return this.#shown(this.#stored(id));
  }

  /** @throws SealtrailError target_refused | too_many_channels | storage_unavailable */
  create(wanted: NewChannel, by: Issuer): ChannelWithSecret {
    const { outbox, now } = this.#parts;
    this.#assertAllowed(wanted.target);
    if (outbox.channels().length >= maxChannels)
      throw new SealtrailError(
        'too_many_channels',
        `expected at most ${maxChannels} channels; remove one first`,
      );
    const { target, secret } = this.#withSecret(wanted.target, undefined);
    const at = new Date(now()).toISOString();
    const id = `chn_${randomText(this.#parts.random(16))}`;
    const channel = { ...wanted, id, target, disabledBecause: null, createdAt: at, changedAt: at };
    return { ...this.#put(channel, by, ['channel.create'], metadataOf(channel)), secret };
  }

  /** @throws SealtrailError channel_not_found | target_refused | storage_unavailable */
  update(id: string, wanted: ChannelUpdate, by: Issuer): ChannelWithSecret {
    const before = this.#stored(id);
    if (wanted.target !== undefined) this.#assertAllowed(wanted.target);
    const { target, secret } = this.#withSecret(wanted.target ?? before.target, before.target);
    const channel: StoredChannel = {
      ...before,
      ...wanted,
      target,
      disabledBecause: wanted.isEnabled ? null : before.disabledBecause,
      changedAt: new Date(this.#parts.now()).toISOString(),
    };
    const switched = channel.isEnabled ? 'channel.enable' : 'channel.disable';
    const actions: ChannelAction[] = before.isEnabled === channel.isEnabled ? [] : [switched];
    return { ...this.#put(channel, by, ['channel.update', ...actions], metadataOf(channel)), secret };
  }

  /** @throws SealtrailError channel_not_found | storage_unavailable */
  remove(id: string, by: Issuer): void {
    const channel = this.#stored(id);
    const { outbox, transaction } = this.#parts;
    transaction(() => {
      const { waiting, dead } = outbox.state(id);
      outbox.removeChannel(id);
      this.#record('channel.remove', channel, by, { ...placeOf(channel.target), waiting, dead });
    });
  }

  /** @throws SealtrailError channel_not_found | invalid_body, when it is no webhook | storage_unavailable */
  rotateSecret(id: string, { keepPrevious }: SecretRotation, by: Issuer): ChannelWithSecret {
    const channel = this.#stored(id);
    if (channel.target.kind !== 'webhook')
      throw bodyFault('', 'expected a channel of the kind webhook: no other has keys');
    const secret = this.#newSecret();
    const previous = keepPrevious ? (channel.target.secrets ?? []).slice(0, 1) : [];
    const changed: StoredChannel = {
      ...channel,
      target: { ...channel.target, secrets: [secret, ...previous] },
      changedAt: new Date(this.#parts.now()).toISOString(),
    };
    return { ...this.#put(changed, by, ['channel.rotate_secret'], { keepPrevious }), secret };
  }

  /**
   * Sends a test now, beside the line, and tells how it ended.
   *
   * @throws SealtrailError channel_not_found | storage_unavailable | shutting_down
   */
  async test(id: string, by: Issuer): Promise<ChannelTest> {
    const channel = this.#stored(id);
    const { closing, now, random, sender, transaction, version } = this.#parts;
    transaction(() => this.#record('channel.test', channel, by, placeOf(channel.target)));
    const notification = testNotification(`ntf_${hex(random(12))}`, now());
    try {
      const outcome = await sender.send(
        outgoingOf(notification, channel, { nowMs: now(), version }),
        closing,
      );
      return { isDelivered: outcome.kind === 'delivered', error: outcome.error ?? null };
    } catch (error) {
      if (closing.aborted) throw new SealtrailError('shutting_down');
      throw error;
    }
  }

  /** @throws SealtrailError channel_not_found */
  deadLetters(id: string): readonly DeadLetter[] {
    this.#stored(id);
    return this.#parts.outbox.deadLetters(id, maxDeadLetters);
  }

  /** @throws SealtrailError channel_not_found | storage_unavailable */
  retry(id: string, ids: readonly string[] | undefined, by: Issuer): number {
    const channel = this.#stored(id);
    const { now, outbox, transaction, wake } = this.#parts;
    const count = transaction(() => {
      const revived = outbox.revive(id, ids, now());
      if (revived > 0) this.#record('channel.retry', channel, by, { count: revived });
      return revived;
    });
    wake();
    return count;
  }

  /** @throws SealtrailError channel_not_found | dead_letter_not_found | storage_unavailable */
  discard(id: string, ids: readonly string[] | undefined, by: Issuer): number {
    const channel = this.#stored(id);
    const { outbox, transaction } = this.#parts;
    return transaction(() => {
      const count = outbox.discard(id, ids);
      if (count === 0 && ids !== undefined) throw new SealtrailError('dead_letter_not_found');
      if (count > 0) this.#record('channel.discard', channel, by, { count });
      return count;
    });
  }

  /** Disables a channel whose other end is gone. One that is not there any more is left alone. */
  disableGone(id: string, error: string): void {
    const channel = this.#parts.outbox.channel(id);
    if (!channel?.isEnabled) return;
    const changed: StoredChannel = {
      ...channel,
      isEnabled: false,
      disabledBecause: error,
      changedAt: new Date(this.#parts.now()).toISOString(),
    };
    this.#put(changed, byServer, ['channel.disable'], { ...placeOf(channel.target), because: error });
  }

  #stored(id: string): StoredChannel {
    const channel = this.#parts.outbox.channel(id);
    if (channel === undefined) throw new SealtrailError('channel_not_found');
    return channel;
  }

  /** One commit: the channel, with whatever waits in it due at once, and the acts. */
  #put(
    channel: StoredChannel,
    by: Issuer,
    actions: readonly ChannelAction[],
    metadata: NonNullable<SystemEvent['metadata']>,
  ): Channel {
    const { outbox, transaction, wake } = this.#parts;
    transaction(() => {
      outbox.putChannel(channel);
      outbox.hurry(channel.id);
      for (const action of actions) this.#record(action, channel, by, metadata);
    });
    wake();
    return this.#shown(channel);
  }

  #record(
    action: ChannelAction,
    { id, name }: StoredChannel,
    by: Issuer,
    metadata: NonNullable<SystemEvent['metadata']>,
  ): void {
    this.#parts.acts.add({
      id: deterministicId(`${action} ${id} ${hex(this.#parts.random(16))}`),
      action,
      category: 'configuration',
      ...by,
      targets: [{ type: 'channel', id, name }],
      metadata,
    });
  }

  #shown(channel: StoredChannel): Channel {
    const { waiting, dead, collapsed, dropped, failures, retryAtMs, lastDeliveredMs, lastError } =
      this.#parts.outbox.state(channel.id);
    return {
      ...channel,
      target: shownTarget(channel.target),
      waiting,
      dead,
      collapsed,
      dropped,
      retryAt: failures === 0 ? null : new Date(retryAtMs).toISOString(),
      lastDeliveredAt: lastDeliveredMs === undefined ? null : new Date(lastDeliveredMs).toISOString(),
      lastError: lastError ?? null,
    };
  }

  #assertAllowed(target: ChannelTarget): void {
    const host = hostOf(target);
    const refusal = host === undefined ? undefined : this.#parts.targets.refusal(host);
    if (refusal !== undefined) throw new SealtrailError('target_refused', refusal);
  }

  /** A webhook without keys keeps those it had, or gets one; what was made is given to be shown. */
  #withSecret(
    target: ChannelTarget,
    before: ChannelTarget | undefined,
  ): { readonly target: ChannelTarget; readonly secret: string | null } {
    if (target.kind !== 'webhook' || target.secrets !== undefined) return { target, secret: null };
    if (before?.kind === 'webhook' && before.secrets !== undefined)
      return { target: { ...target, secrets: before.secrets }, secret: null };
    const secret = this.#newSecret();
    return { target: { ...target, secrets: [secret] }, secret };
  }

  /** A key of Standard Webhooks: 256 random bits. */
  #newSecret(): string {
    return `whsec_${Buffer.from(this.#parts.random(32)).toString('base64')}`;
  }
}

/** What an entry says of a channel: no secrets, and of long lists the beginning. */
const metadataOf = (channel: StoredChannel): NonNullable<SystemEvent['metadata']> => {
  const { minLevel, ...lists } = channel.filter;
  return {
    ...placeOf(channel.target),
    filter: {
      minLevel,
      ...Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, beginningOf(list ?? [])])),
    },
    timers: channel.timers,
    personalData: channel.personalData,
    isEnabled: channel.isEnabled,
  };
};

/** An entry has a bound, which 256 names of a filter could exceed. */
const beginningOf = (list: readonly string[]): readonly string[] =>
  list.length <= maxListed ? list : [...list.slice(0, maxListed), `and ${list.length - maxListed} more`];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
