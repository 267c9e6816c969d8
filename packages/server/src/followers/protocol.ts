import type { Stats } from '@sealtrail/core';
import type { SystemEvent } from '../access/system-trail.ts';
import type { EventQuery, EventQueryResult, StatsQuery } from '../ports.ts';
import type { Failure } from '../sequencer/protocol.ts';

/** What the main thread says to the thread of the followers. */
export type FollowerRequest =
  /** The answer to `record`: durable, or why not. */
  | { readonly kind: 'recorded'; readonly record: number; readonly failure: Failure | undefined }
  | { readonly kind: 'grew'; readonly sizes: readonly (readonly [trail: string, size: number])[] }
  | { readonly kind: 'query'; readonly request: number; readonly query: EventQuery }
  | { readonly kind: 'stats'; readonly request: number; readonly query: StatsQuery }
  | { readonly kind: 'close'; readonly request: number };

export type FollowerReply =
  | {
      readonly kind: 'answer';
      readonly request: number;
      readonly result: EventQueryResult | Stats | undefined;
    }
  | { readonly kind: 'requestFailed'; readonly request: number; readonly failure: Failure }
  /** How far trails are searchable now; once a slice of following. */
  | { readonly kind: 'indexed'; readonly sizes: readonly (readonly [trail: string, size: number])[] }
  /** A follower has something for the trail `system`, and waits until it is durable. */
  | { readonly kind: 'record'; readonly record: number; readonly event: SystemEvent }
  /** A follower met an error and will try again. */
  | { readonly kind: 'followFailed'; readonly failure: Failure }
  /** The thread has failed and ends. */
  | { readonly kind: 'fatal'; readonly failure: Failure };
