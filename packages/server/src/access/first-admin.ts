import type { CreatedToken } from '@sealtrail/core';
import { type IssueOptions, issueToken, type TokenParts } from './issue-token.ts';
import { everything } from './permissions.ts';

/** Shorter secrets can be guessed by who may try often. */
const advisedLength = 20;

export interface FirstAdminOptions {
  /** The secret of an admin token that the operator chose; with it none is made up. */
  readonly adminToken?: string | undefined;
  /** Shows the operator an admin token that was made up. Absent: nobody looks, and none is. */
  readonly show?: ((created: CreatedToken) => void) | undefined;
  /** Told when nobody can sign in with what was chosen. */
  readonly warn: (message: string) => void;
}

/**
 * Sees to it that somebody can sign in: by the token of the operator's choice, or by one that is made and shown when there
 * has never been an admin token. It is stored last: as long as it is not, the next start makes another one.
 *
 * @throws as {@link issueToken}
 */
export async function ensureAdmin(
  parts: TokenParts,
  { adminToken, show, warn }: FirstAdminOptions,
): Promise<void> {
  const issue = (name: string, options: IssueOptions): Promise<CreatedToken> =>
    issueToken(
      parts,
      { name, role: 'admin', trails: [everything], tenants: [everything] },
      { actor: { type: 'system' } },
      options,
    );
  if (adminToken !== undefined) {
    if (adminToken.length < advisedLength)
      warn(`SEALTRAIL_ADMIN_TOKEN is short; ${advisedLength} random characters cannot be guessed`);
    if (!parts.tokens.isKnown(adminToken)) await issue('environment', { secret: adminToken });
    else if (!parts.tokens.find(adminToken))
      warn('SEALTRAIL_ADMIN_TOKEN was revoked and opens nothing; choose another');
  } else if (show && !parts.tokens.list().some(({ role }) => role === 'admin')) {
    await issue('first admin', { show });
  }
}
