import type {
  Channel,
  ChannelTarget,
  ChannelTest,
  ChannelUpdate,
  ChannelWithSecret,
  DeadLetter,
  NewChannel,
  Notification,
  SecretRotation,
} from '@sealtrail/core';
import type { Issuer } from './access/issue-token.ts';

/** A channel as it is kept, with its secrets. Those of a webhook are always there: one is made where none was given. */
export interface StoredChannel extends Omit<NewChannel, 'target'> {
  readonly id: string;
  readonly target: ChannelTarget;
  /** Why the server disabled it; null otherwise. */
  readonly disabledBecause: string | null;
  readonly createdAt: string;
  readonly changedAt: string;
}

/** How a channel is doing. Times are milliseconds since 1970. */
export interface ChannelState {
  readonly waiting: number;
  readonly dead: number;
  readonly collapsed: number;
  readonly dropped: number;
  /** Attempts in a row that failed, of whatever notifications: it is the channel that is down. */
  readonly failures: number;
  /** Before it nothing is tried again; 0 when nothing keeps from it. */
  readonly retryAtMs: number;
  readonly lastDeliveredMs: number | undefined;
  readonly lastError: string | undefined;
}

/** The first notification that waits in the line of a channel. */
export interface LineHead extends Pick<ChannelState, 'failures' | 'retryAtMs'> {
  readonly channel: StoredChannel;
  /** Place in the line: rises with each that is enqueued. */
  readonly seq: number;
  readonly notification: Notification;
  readonly enqueuedMs: number;
}

/** What became of an attempt. */
export type Settlement = { readonly seq: number; readonly channel: string; readonly atMs: number } & (
  | { readonly kind: 'delivered'; readonly error?: string | undefined }
  /** Stays where it is, and the channel rests, but for all that was enqueued until `giveUpBeforeMs`: they are dead. */
  | {
      readonly kind: 'failed';
      readonly error: string;
      readonly retryAtMs: number;
      readonly giveUpBeforeMs: number;
    }
  | { readonly kind: 'dead'; readonly error: string }
);

/**
 * Notifications on their way, with the channels that they go through. One process, one thread; the tables lie in the
 * database of detection, so that alerts and what is told of them are one commit.
 *
 * Durability: what writes is durable when it returns, or with the transaction that it is called in. A notification that
 * has been enqueued leaves the line only by a settlement, a collapse or a drop (both are counted), or with its channel.
 * Ordering: a channel's line is in the order of `enqueue`; `head` gives the first that waits. A settlement that is lost
 * with a crash makes a notification go out again, and never another one before it.
 *
 * Reads throw when the database does; writes throw storage_unavailable when the disk takes no more.
 */
export interface Outbox {
  /**
   * Adds a notification to the end of a channel's line, within the transaction of the caller if there is one. One that the
   * channel has had (by its id, as long as that is remembered) is not added again; a channel that is gone takes none.
   */
  enqueue(channel: string, notification: Notification, nowMs: number): void;
  /** Channels that are enabled and have something waiting. */
  busy(): readonly string[];
  /** The first that waits behind a place in the line, with the channel; undefined when none does or it is disabled. */
  head(channel: string, afterSeq: number): LineHead | undefined;
  /** One commit. Of what is no longer waiting (discarded, collapsed, channel removed) nothing is settled. */
  settle(settlements: readonly Settlement[]): void;

  channels(): readonly StoredChannel[];
  channel(id: string): StoredChannel | undefined;
  state(id: string): ChannelState;
  /** Over all channels. */
  counts(): Pick<ChannelState, 'waiting' | 'dead'>;
  putChannel(channel: StoredChannel): void;
  /** Forgets failures, so that what waits is tried at once. */
  hurry(id: string): void;
  /** Removes a channel with everything that is on its way. */
  removeChannel(id: string): void;

  /** Of a channel, the latest first, at most so many. */
  deadLetters(channel: string, limit: number): readonly DeadLetter[];
  /** Puts dead letters at the end of the line, in the order in which they were; gives their number. */
  revive(channel: string, ids: readonly string[] | undefined, nowMs: number): number;
  /** Removes dead letters; gives their number. */
  discard(channel: string, ids: readonly string[] | undefined): number;
}

/** What is sent, as a channel's kind wants it. It holds secrets: it is for a {@link Sender} alone. */
export type Outgoing =
  | {
      readonly via: 'http';
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
  | { readonly via: 'smtp'; readonly server: MailServer; readonly mail: OutgoingMail }
  | {
      readonly via: 'syslog';
      readonly host: string;
      readonly port: number;
      readonly transport: 'tls' | 'tcp' | 'udp';
      readonly message: string;
    }
  /** A line without its end. */
  | { readonly via: 'stdout'; readonly line: string };

export type MailServer = Pick<
  Extract<ChannelTarget, { kind: 'email' }>,
  'host' | 'port' | 'security' | 'user' | 'password'
>;

export interface OutgoingMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** In angle brackets. */
  readonly messageId: string;
  readonly references: string;
}

/** How an attempt to send ended. Errors are short, and hold no secrets and no addresses. */
export type SendOutcome =
  /** `error`: what went wrong all the same, such as one of several recipients refused. */
  | { readonly kind: 'delivered'; readonly error?: string | undefined }
  /** May succeed later. */
  | { readonly kind: 'retry'; readonly error: string; readonly retryAfterMs?: number | undefined }
  /** The other end wants nothing any more. */
  | { readonly kind: 'gone'; readonly error: string }
  /** This will not be taken, however often it is tried. */
  | { readonly kind: 'refused'; readonly error: string };

/** Sends what channels are told. Attempts end by themselves within bounds, and at once with the signal. */
export interface Sender {
  /** Rejects only when it is aborted. */
  send(outgoing: Outgoing, signal: AbortSignal): Promise<SendOutcome>;
}

/** Which hosts channels may lead to, as far as that shows without looking a name up. */
export interface TargetRules {
  /** Why not, or undefined. Senders look again at the addresses that a name leads to. */
  refusal(host: string): string | undefined;
}

/**
 * Channels as the API sees them. Each change, and each test, is recorded in the trail `system`.
 *
 * Everything about one channel throws channel_not_found, and every change storage_unavailable when the disk takes no more.
 */
export interface ChannelsApi {
  list(): Promise<readonly Channel[]>;
  get(id: string): Promise<Channel>;
  /** @throws SealtrailError target_refused | too_many_channels */
  create(wanted: NewChannel, by: Issuer): Promise<ChannelWithSecret>;
  /** @throws SealtrailError target_refused */
  update(id: string, wanted: ChannelUpdate, by: Issuer): Promise<ChannelWithSecret>;
  /** Removes it with what is on its way. */
  remove(id: string, by: Issuer): Promise<void>;
  /** @throws SealtrailError invalid_body, when the channel is no webhook */
  rotateSecret(id: string, rotation: SecretRotation, by: Issuer): Promise<ChannelWithSecret>;
  /** Sends a notification now, beside the line, also when the channel is disabled. */
  test(id: string, by: Issuer): Promise<ChannelTest>;
  /** The latest 1000, the latest first. */
  deadLetters(id: string): Promise<readonly DeadLetter[]>;
  /** Sends dead letters again, all of them when no ids are given; gives their number. */
  retry(id: string, ids: readonly string[] | undefined, by: Issuer): Promise<number>;
  /** Removes dead letters for good; gives their number. @throws SealtrailError dead_letter_not_found */
  discard(id: string, ids: readonly string[] | undefined, by: Issuer): Promise<number>;
}
