import type { CreatedToken, NewToken } from '@sealtrail/core';
import type { SystemEvent, SystemTrail } from './system-trail.ts';
import type { Tokens } from './tokens.ts';

/** Who asks for a token, and from where. */
export type Issuer = Pick<SystemEvent, 'actor' | 'source'>;

/**
 * Makes a token and reports it in the trail `system`: the one way in which tokens come to be.
 *
 * @param secret of the caller's choice; absent: a random one
 * @throws SealtrailError invalid_configuration, when the secret is too short or too long; as {@link SystemTrail.record}
 */
export async function issueToken(
  parts: { readonly tokens: Tokens; readonly system: SystemTrail },
  wanted: NewToken,
  issuer: Issuer,
  secret?: string,
): Promise<CreatedToken> {
  const created = parts.tokens.create(wanted, secret);
  const { id, name, role, trails, tenants, expiresAt } = created;
  await parts.system.record({
    action: 'token.create',
    category: 'access_management',
    ...issuer,
    targets: [{ type: 'token', id, name }],
    metadata: { role, trails, tenants, expiresAt },
  });
  return created;
}
