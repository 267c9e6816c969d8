import type { ChannelsApi } from '../../channel-ports.ts';
import type { ThreadReply, ThreadRequest } from '../protocol.ts';
import type { DetectionCalls } from './detection-calls.ts';

/** What the detect thread is asked beyond what every thread is. */
export type DetectRequest =
  | ThreadRequest
  | {
      readonly kind: 'call';
      readonly request: number;
      readonly name: keyof DetectionCalls;
      readonly arguments: readonly unknown[];
    }
  | {
      readonly kind: 'callChannels';
      readonly request: number;
      readonly name: keyof ChannelsApi;
      readonly arguments: readonly unknown[];
    };

export type DetectReply =
  | ThreadReply
  /** Detection follows the log from here on. */
  | { readonly kind: 'opened' }
  /** Alerts have changed: the number of the last change. */
  | { readonly kind: 'alerted'; readonly revision: number }
  /** A notification was given up; it is among the dead letters of its channel. */
  | { readonly kind: 'givenUp'; readonly channel: string; readonly error: string }
  /** Once in a while. */
  | { readonly kind: 'counted'; readonly counts: DetectionCounts };

/** What metrics tell of detection; sums are since the start of its thread. */
export interface DetectionCounts {
  /** Entries looked at, over all trails. */
  readonly entries: number;
  /** Entries that are there and have not been looked at. */
  readonly behind: number;
  readonly lateEvents: number;
  /** What correlations had to give up because it was more than they may hold. */
  readonly gaveUp: number;
  readonly openedAlerts: number;
  /** Acts that are not in the trail `system` yet. */
  readonly waitingActs: number;
  /** Notifications on their way, over all channels, and those that were given up. */
  readonly waiting: number;
  readonly dead: number;
}
