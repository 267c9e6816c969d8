import type { CreatedToken, NewToken } from '@sealtrail/core';
import type { SystemEvent, SystemTrail } from './system-trail.ts';
import type { Tokens } from './tokens.ts';

/** What tokens are made with, and reported to. */
export interface TokenParts {
  readonly tokens: Tokens;
  readonly system: SystemTrail;
}

/** Who asks for a token, and from where. */
export type Issuer = Pick<SystemEvent, 'actor' | 'source'>;

export interface IssueOptions {
  /** Of the caller's choice; absent: a random one. */
  readonly secret?: string;
  /** Tells the secret to whom it is for, where the answer of {@link issueToken} comes too late. */
  readonly show?: (created: CreatedToken) => void;
  /** Whether it comes with the data folder. */
  readonly isFirst?: boolean;
}

/**
 * Makes a token and reports it in the trail `system`: the one way in which tokens come to be.
 *
 * The order is recorded, shown, valid. Whatever stops it, no token is valid that is not in `system`, or, where it is to be
 * shown, that nobody has seen. What may be left is an entry about a token that never was, or a secret that opens nothing.
 *
 * @throws SealtrailError invalid_configuration, when the secret is none; storage_unavailable; as {@link SystemTrail.record}
 */
export async function issueToken(
  { tokens, system }: TokenParts,
  wanted: NewToken,
  issuer: Issuer,
  { secret, show, isFirst = false }: IssueOptions = {},
): Promise<CreatedToken> {
  const created = tokens.make(wanted, secret);
  const { id, name, role, trails, tenants, expiresAt } = created;
  const event: SystemEvent = {
    action: 'token.create',
    category: 'access_management',
    ...issuer,
    targets: [{ type: 'token', id, name }],
    metadata: { role, trails, tenants, expiresAt, ...(isFirst && { isFirst }) },
  };
  await system.record(event);
  show?.(created);
  try {
    return tokens.add(created);
  } catch (error) {
    system.note({ ...event, outcome: 'failure', reason: 'the token could not be stored' });
    throw error;
  }
}
