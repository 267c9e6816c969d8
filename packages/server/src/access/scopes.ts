import type { Token } from '@sealtrail/core';
import type { IngestScope } from '../ingest/ingest-scope.ts';
import { actorOf, everything, reachesTrail, systemTrail, tenantsOf } from './permissions.ts';

/** What a token may write. */
export function ingestScopeOf(token: Token): IngestScope {
  const tenants = tenantsOf(token);
  const only = tenants?.length === 1 ? tenants[0] : undefined;
  return {
    actor: actorOf(token),
    refuseTrail(trail) {
      if (trail === systemTrail) return 'the trail system is written by the server alone';
      return reachesTrail(token, trail) || token.trails.includes(everything)
        ? undefined
        : 'the token does not reach this trail';
    },
    // Whoever named a trail in the token has asked for it; a wildcard would let a typing error make one. A trail is of all
    // tenants, and so no token makes one that is limited to some.
    mayCreateTrail: (trail) => !tenants && (token.role === 'admin' || token.trails.includes(trail)),
    tenantOf(tenant) {
      if (!tenants) return { tenant };
      if (tenant === undefined)
        return only === undefined
          ? { refused: 'the token is limited to tenants; expected one of them' }
          : { tenant: only };
      return tenants.includes(tenant) ? { tenant } : { refused: 'the token does not reach this tenant' };
    },
  };
}

/** What the server itself may write: anything to the trail `system`. */
export const systemScope: IngestScope = {
  actor: { type: 'system' },
  refuseTrail: () => undefined,
  mayCreateTrail: () => false,
  tenantOf: (tenant) => ({ tenant }),
};

/** What a process that embeds the log may write: everything but the trail `system`. */
export const ownerScope: IngestScope = {
  actor: { type: 'system' },
  refuseTrail: (trail) =>
    trail === systemTrail ? 'the trail system is written by the server alone' : undefined,
  mayCreateTrail: () => true,
  tenantOf: (tenant) => ({ tenant }),
};
