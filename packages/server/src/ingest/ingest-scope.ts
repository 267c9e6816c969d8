import type { Event } from '@sealtrail/core';

/** What a producer may write: built from its token, or from the process itself. */
export interface IngestScope {
  /** Who writes, for what is recorded of it. */
  readonly actor: NonNullable<Event['actor']>;
  /** Why this trail must not be written to, or undefined. */
  refuseTrail(trail: string): string | undefined;
  /** Whether an unknown trail of this name is made by writing to it. */
  mayCreateTrail(trail: string): boolean;
  /** The tenant an event gets, given the one it names; or why it is refused. */
  tenantOf(
    tenant: string | undefined,
  ): { readonly tenant: string | undefined } | { readonly refused: string };
}
