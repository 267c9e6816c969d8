import type { CreatedToken } from '@sealtrail/core';
import { type IssueOptions, issueToken, type TokenParts } from './issue-token.ts';
import { everything } from './permissions.ts';

/** What first tokens are made with. */
export interface FirstAdminParts extends TokenParts {
  /** Whether the data folder was made by this start: later nobody should need a token that the server makes by itself. */
  readonly isNew: boolean;
}

/** Shorter secrets can be guessed by who may try often. */
const advisedLength = 20;

/**
 * Sees to it that the operator can sign in by the token of their choice.
 *
 * @param adminToken the secret of an admin token
 * @param warn told when nobody can sign in with it, or others might
 * @throws as {@link issueToken}
 */
export async function ensureChosenAdmin(
  parts: FirstAdminParts,
  adminToken: string,
  warn: (message: string) => void,
): Promise<void> {
  if (adminToken.length < advisedLength)
    warn(`SEALTRAIL_ADMIN_TOKEN is short; ${advisedLength} random characters cannot be guessed`);
  if (!parts.tokens.isKnown(adminToken)) await issueAdmin(parts, 'environment', { secret: adminToken });
  else if (!parts.tokens.find(adminToken))
    warn('SEALTRAIL_ADMIN_TOKEN was revoked and opens nothing; choose another');
}

/**
 * Sees to it that somebody can sign in: by a token that is made and shown where there has never been one of an admin. It is
 * stored last: as long as it is not, the next start makes another one.
 *
 * @param show shows it to the operator, this once
 * @throws as {@link issueToken}
 */
export async function ensureFirstAdmin(
  parts: FirstAdminParts,
  show: (created: CreatedToken) => void,
): Promise<void> {
  if (!parts.tokens.list().some(({ role }) => role === 'admin'))
    await issueAdmin(parts, 'first admin', { show });
}

function issueAdmin(parts: FirstAdminParts, name: string, options: IssueOptions): Promise<CreatedToken> {
  return issueToken(
    parts,
    { name, role: 'admin', trails: [everything], tenants: [everything] },
    { actor: { type: 'system' } },
    { ...options, isFirst: parts.isNew },
  );
}
