import { bodyFault, newTokenSchema } from '@sealtrail/core';
import { revokeToken } from '../access/acts.ts';
import { issueToken } from '../access/issue-token.ts';
import { coversScope, systemTrail } from '../access/permissions.ts';
import type { Gate } from './authorize.ts';
import type { HttpContext, HttpParts } from './context.ts';
import { readJsonBody } from './json-body.ts';
import { byOf } from './source.ts';

/** `GET /v1/tokens`: tokens within the scope of the token that asks, without their secrets. */
export function getTokens(parts: HttpParts, gate: Gate): (c: HttpContext) => Response {
  return (c) => {
    const admin = gate.authorize(c, 'tokens.manage');
    return c.json({ tokens: parts.tokens.list().filter((token) => coversScope(admin, token)) });
  };
}

/** `POST /v1/tokens`: makes a token, within the scope of the token that asks. */
export function postToken(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const admin = gate.authorize(c, 'tokens.manage');
    const wanted = await readJsonBody(c, newTokenSchema);
    if (!coversScope(admin, wanted))
      throw gate.denied(c, admin, 'a token can only be made for trails and tenants that the own one reaches');
    if (wanted.role === 'ingest' && wanted.trails.includes(systemTrail))
      throw bodyFault(
        `/trails/${wanted.trails.indexOf(systemTrail)}`,
        'expected another trail; system is written by the server alone',
      );
    if (wanted.expiresAt !== undefined && Date.parse(wanted.expiresAt) <= parts.now())
      throw bodyFault('/expiresAt', 'expected a time to come');
    const created = await issueToken(parts, wanted, byOf(parts, c, admin));
    return c.json(created, 201);
  };
}

/** `DELETE /v1/tokens/{id}`: revokes a token. */
export function deleteToken(parts: HttpParts, gate: Gate): (c: HttpContext) => Promise<Response> {
  return async (c) => {
    const admin = gate.authorize(c, 'tokens.manage');
    const by = byOf(parts, c, admin);
    const id = c.req.param('id') ?? '';
    return c.json(await revokeToken(parts, id, by, (token) => coversScope(admin, token)));
  };
}
