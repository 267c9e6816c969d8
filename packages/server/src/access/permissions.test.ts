import { roles, type Token } from '@sealtrail/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coversScope, may, permissions, reachesAll, reachesTrail, tenantsOf } from './permissions.ts';
import { ingestScopeOf, ownerScope, systemScope } from './scopes.ts';

const token = (role: Token['role'], trails: string[] = ['*'], tenants: string[] = ['*']): Token => ({
  id: 'tok_a',
  name: 'a',
  role,
  trails,
  tenants,
  createdAt: '2026-01-31T00:00:00.000Z',
  expiresAt: null,
  revokedAt: null,
});

describe('permissions', () => {
  it('lets nobody but an administrator do everything, and a producer read nothing', () => {
    const all = new Set(Object.values(permissions).flat());
    for (const role of roles) expect(permissions[role].length === all.size).toBe(role === 'admin');
    expect(permissions.ingest.filter((permission) => permission.endsWith('.read'))).toEqual(['metrics.read']);
  });
});

describe('reachesTrail', () => {
  it('keeps the trail system to those who may read administration', () => {
    for (const role of roles) {
      expect(reachesTrail(token(role), 'system')).toBe(may(token(role), 'system.read'));
      expect(reachesTrail(token(role, ['system']), 'system')).toBe(may(token(role), 'system.read'));
      expect(reachesTrail(token(role, ['main']), 'system')).toBe(false);
    }
  });

  it('takes names as they are', () => {
    expect(reachesTrail(token('read', ['main']), 'main')).toBe(true);
    for (const trail of ['mai', 'main2', 'Main', '*', ''])
      expect(reachesTrail(token('read', ['main']), trail)).toBe(false);
  });
});

describe('reachesAll', () => {
  it('is true of tokens without any limit', () => {
    expect(reachesAll(token('read'))).toBe(true);
    expect(reachesAll(token('read', ['main', '*'], ['*', 'acme']))).toBe(true);
    expect(reachesAll(token('read', ['main']))).toBe(false);
    expect(reachesAll(token('admin', ['*'], ['acme']))).toBe(false);
  });
});

describe('coversScope', () => {
  const anyNames = fc.subarray(['*', 'a', 'b', 'c'], { minLength: 1 });
  const anyToken = fc.tuple(anyNames, anyNames).map(([trails, tenants]) => token('admin', trails, tenants));

  it('never covers what the token itself does not reach', () => {
    fc.assert(
      fc.property(anyToken, anyToken, fc.constantFrom('a', 'b', 'c', 'd'), (own, other, name) => {
        if (!coversScope(own, other)) return;
        if (reachesTrail(other, name)) expect(reachesTrail(own, name)).toBe(true);
        const [mine, others] = [tenantsOf(own), tenantsOf(other)];
        if (mine) expect(others?.every((tenant) => mine.includes(tenant))).toBe(true);
      }),
    );
  });

  it('covers itself', () => {
    fc.assert(fc.property(anyToken, (own) => coversScope(own, own)));
  });
});

describe('ingestScopeOf', () => {
  it('refuses the trail system to everybody but the server', () => {
    for (const role of roles) expect(ingestScopeOf(token(role)).refuseTrail('system')).toBeDefined();
    expect(ingestScopeOf(token('admin', ['system'])).refuseTrail('system')).toBeDefined();
    expect(ownerScope.refuseTrail('system')).toBeDefined();
    expect(systemScope.refuseTrail('system')).toBeUndefined();
  });

  it('keeps to the trails of the token', () => {
    const scope = ingestScopeOf(token('ingest', ['a', 'b']));
    expect(['a', 'b', 'c', 'main'].map((trail) => scope.refuseTrail(trail) === undefined)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('makes only trails that the token names, unless it is an administrator’s, and none for tenants', () => {
    expect(ingestScopeOf(token('ingest', ['a'])).mayCreateTrail('a')).toBe(true);
    expect(ingestScopeOf(token('ingest')).mayCreateTrail('a')).toBe(false);
    expect(ingestScopeOf(token('admin')).mayCreateTrail('a')).toBe(true);
    expect(systemScope.mayCreateTrail('a')).toBe(false);
    for (const role of roles)
      expect(ingestScopeOf(token(role, ['*', 'a'], ['acme'])).mayCreateTrail('a')).toBe(false);
  });

  it.each([
    [['*'], undefined, { tenant: undefined }],
    [['*'], 'x', { tenant: 'x' }],
    [['a'], undefined, { tenant: 'a' }],
    [['a'], 'a', { tenant: 'a' }],
    [['a', 'b'], 'b', { tenant: 'b' }],
  ])('for the tenants %j takes %j', (tenants, tenant, given) => {
    expect(ingestScopeOf(token('ingest', ['*'], tenants)).tenantOf(tenant)).toEqual(given);
  });

  it.each([
    [['a'], 'b'],
    [['a'], '*'],
    [['a', 'b'], undefined],
    [['a', 'b'], 'c'],
  ])('for the tenants %j refuses %j', (tenants, tenant) => {
    expect(ingestScopeOf(token('ingest', ['*'], tenants)).tenantOf(tenant)).toHaveProperty('refused');
  });
});
