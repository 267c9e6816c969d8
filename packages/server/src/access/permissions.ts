import type { Event, Role, Token } from '@sealtrail/core';

/** What can be done through the API. */
export type Permission =
  | 'events.write'
  | 'events.read'
  | 'system.read'
  | 'log.read'
  | 'trails.read'
  | 'trails.write'
  | 'tokens.manage'
  | 'alerts.read'
  | 'alerts.manage'
  | 'rules.read'
  | 'rules.manage'
  | 'channels.manage'
  | 'sources.manage'
  | 'metrics.read';

/** What each role may do: the one table that every route asks. */
export const permissions: Readonly<Record<Role, readonly Permission[]>> = {
  ingest: ['events.write', 'metrics.read'],
  read: ['events.read', 'log.read', 'trails.read', 'metrics.read'],
  analyst: [
    'events.read',
    'log.read',
    'trails.read',
    'metrics.read',
    'alerts.read',
    'alerts.manage',
    'rules.read',
    'rules.manage',
  ],
  auditor: [
    'events.read',
    'system.read',
    'log.read',
    'trails.read',
    'metrics.read',
    'alerts.read',
    'rules.read',
  ],
  admin: [
    'events.write',
    'events.read',
    'system.read',
    'log.read',
    'trails.read',
    'trails.write',
    'tokens.manage',
    'channels.manage',
    'sources.manage',
    'metrics.read',
    'alerts.read',
    'alerts.manage',
    'rules.read',
    'rules.manage',
  ],
};

/** The trail in which the server itself reports what is done to it. */
export const systemTrail = 'system';

/** Stands for all trails or all tenants in a token's scope. */
export const everything = '*';

/** A token as the actor of an entry. */
export const actorOf = (token: Token): NonNullable<Event['actor']> => ({
  id: token.id,
  name: token.name,
  type: 'api_key',
});

export const may = (token: Token, permission: Permission): boolean =>
  permissions[token.role].includes(permission);

/** Whether a token's scope holds a trail; `system` is for those who may read administration. */
export function reachesTrail(token: Token, trail: string): boolean {
  if (trail === systemTrail && !may(token, 'system.read')) return false;
  return token.trails.includes(everything) || token.trails.includes(trail);
}

/** The tenants that a token is limited to, or undefined for all. */
export function tenantsOf(token: Token): readonly string[] | undefined {
  return token.tenants.includes(everything) ? undefined : token.tenants;
}

/** Whether a token is limited to no trails and no tenants: what is about the whole server is for such tokens alone. */
export const reachesAll = (token: Token): boolean =>
  token.trails.includes(everything) && token.tenants.includes(everything);

/** Whether a scope lies within a token's: what a token may hand on, and which tokens it may see. */
export function coversScope(token: Token, scope: Pick<Token, 'trails' | 'tenants'>): boolean {
  const covers = (own: readonly string[], wanted: readonly string[]): boolean =>
    own.includes(everything) || wanted.every((name) => own.includes(name));
  return covers(token.trails, scope.trails) && covers(token.tenants, scope.tenants);
}
