import type { Stats } from '@sealtrail/core';
import type { EventQuery, EventQueryResult, StatsQuery } from '../../ports.ts';
import type { Failure } from '../../sequencer/protocol.ts';

export type IndexRequest =
  | { readonly kind: 'grew'; readonly sizes: readonly (readonly [trail: string, size: number])[] }
  | { readonly kind: 'query'; readonly request: number; readonly query: EventQuery }
  | { readonly kind: 'stats'; readonly request: number; readonly query: StatsQuery }
  | { readonly kind: 'close'; readonly request: number };

export type IndexReply =
  | {
      readonly kind: 'answer';
      readonly request: number;
      readonly result: EventQueryResult | Stats | undefined;
    }
  | { readonly kind: 'requestFailed'; readonly request: number; readonly failure: Failure }
  /** How far trails are searchable now; once a slice of following. */
  | { readonly kind: 'indexed'; readonly sizes: readonly (readonly [trail: string, size: number])[] }
  /** The thread has failed and ends. */
  | { readonly kind: 'fatal'; readonly failure: Failure };
