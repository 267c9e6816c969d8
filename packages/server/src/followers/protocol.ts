import type { Stats } from '@sealtrail/core';
import type { SystemEvent } from '../access/system-trail.ts';
import type { EventQuery, EventQueryResult, StatsQuery } from '../ports.ts';
import type { Failure } from '../sequencer/protocol.ts';

/** What the main thread says to any thread that follows the log. */
export type ThreadRequest =
  /** The answer to `record`: durable, or why not. */
  | { readonly kind: 'recorded'; readonly record: number; readonly failure: Failure | undefined }
  | { readonly kind: 'grew'; readonly sizes: readonly (readonly [trail: string, size: number])[] }
  | { readonly kind: 'close'; readonly request: number };

/** What any such thread says to the main one. */
export type ThreadReply =
  | { readonly kind: 'answer'; readonly request: number; readonly result: unknown }
  | { readonly kind: 'requestFailed'; readonly request: number; readonly failure: Failure }
  /** The thread has something for the trail `system`, and waits until all of it is durable. */
  | { readonly kind: 'record'; readonly record: number; readonly events: readonly SystemEvent[] }
  /** A follower met an error and will try again. */
  | { readonly kind: 'followFailed'; readonly failure: Failure }
  /** The thread has failed and ends. */
  | { readonly kind: 'fatal'; readonly failure: Failure };

/** What the thread of index and producers is asked beyond that. */
export type FollowerRequest =
  | ThreadRequest
  | { readonly kind: 'query'; readonly request: number; readonly query: EventQuery }
  | { readonly kind: 'stats'; readonly request: number; readonly query: StatsQuery };

export type FollowerReply =
  | ThreadReply
  /** The index has been opened: what it holds of trails that are indexed already. */
  | { readonly kind: 'opened'; readonly sizes: readonly (readonly [trail: string, size: number])[] }
  /** How far trails are searchable now; once a slice of following. */
  | { readonly kind: 'indexed'; readonly sizes: readonly (readonly [trail: string, size: number])[] }
  /** Following has come to a stop because what was taken in cannot be written, or goes on again. */
  | { readonly kind: 'heldUp'; readonly isHeldUp: boolean };

/** What that thread answers. */
export type FollowerAnswer = EventQueryResult | Stats | undefined;
