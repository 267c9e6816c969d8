import type { Token } from '@sealtrail/core';
import type { Issuer } from '../access/issue-token.ts';
import { actorOf } from '../access/permissions.ts';
import type { HttpContext, HttpParts } from './context.ts';

/** The part that knows which proxies are trusted. */
export type Addressing = Pick<HttpParts, 'clientAddress'>;

/** The address that a request comes from; undefined once its connection is gone. */
export function addressOf({ clientAddress }: Addressing, c: HttpContext): string | undefined {
  return clientAddress(c.env.incoming.socket.remoteAddress, (name) => c.req.header(name));
}

/** Where a request comes from, for an entry. */
export function sourceOf(
  parts: Addressing,
  c: HttpContext,
): { source?: { ip?: string; userAgent?: string } } {
  const ip = addressOf(parts, c);
  const userAgent = c.req.header('user-agent')?.slice(0, 512);
  return ip || userAgent ? { source: { ...(ip && { ip }), ...(userAgent && { userAgent }) } } : {};
}

/** Who asks for something to be done, and from where, for the entry that tells of it. */
export const byOf = (parts: Addressing, c: HttpContext, token: Token): Issuer => ({
  actor: actorOf(token),
  ...sourceOf(parts, c),
});
