import { SealtrailError, type Token } from '@sealtrail/core';
import { may, type Permission, reachesAll, reachesTrail, tenantsOf } from '../access/permissions.ts';
import type { HttpContext, HttpParts } from './context.ts';
import type { FailedSignIns } from './failed-sign-ins.ts';

const bearer = /^Bearer ([A-Za-z0-9._~+/=-]{1,512})$/i;

/** Decides who is asking and what they may: the one gate of every route that is not public. */
export class Gate {
  readonly #parts: HttpParts;
  readonly #failures: FailedSignIns;

  constructor(parts: HttpParts, failures: FailedSignIns) {
    this.#parts = parts;
    this.#failures = failures;
  }

  /**
   * The caller's token.
   *
   * @throws SealtrailError unauthenticated | forbidden
   */
  authorize(c: HttpContext, permission: Permission): Token {
    const secret = bearer.exec(c.req.header('authorization') ?? '')?.[1];
    const token = secret === undefined ? undefined : this.#parts.tokens.find(secret);
    if (!token) {
      this.#parts.metrics.authenticationFailures.inc();
      this.#failures.note(c, secret === undefined ? 'missing' : 'unknown');
      throw new SealtrailError(
        'unauthenticated',
        'expected the header "Authorization: Bearer <token>" with a valid token',
      );
    }
    if (!may(token, permission))
      throw this.denied(c, token, `the role ${token.role} does not allow ${permission}`);
    return token;
  }

  /**
   * Sees that a token reaches a trail, and that there is such a trail.
   *
   * @throws SealtrailError forbidden | trail_not_found
   */
  reach(c: HttpContext, token: Token, trail: string): void {
    if (!reachesTrail(token, trail)) throw this.denied(c, token, 'the token does not reach this trail');
    if (!this.#parts.log.trail(trail))
      throw new SealtrailError('trail_not_found', 'expected a trail of GET /v1/trails');
  }

  /** For what cannot be cut to tenants, such as entry bundles. @throws SealtrailError forbidden */
  refuseTenantScope(
    c: HttpContext,
    token: Token,
    message: string = 'the token is limited to tenants; this holds entries of all',
  ): void {
    if (tenantsOf(token)) throw this.denied(c, token, message);
  }

  /** For what is about the whole server, such as its metrics. @throws SealtrailError forbidden */
  refuseScope(c: HttpContext, token: Token): void {
    if (!reachesAll(token))
      throw this.denied(c, token, 'the token is limited to trails or tenants; this is about all');
  }

  /** Puts into the trail `system` that a token was refused something. */
  noteDenied(c: HttpContext, token: Token): void {
    this.#failures.denied(c, token);
  }

  /** The error for what a token does not allow; the attempt goes into the trail `system`. */
  denied(c: HttpContext, token: Token, message: string): SealtrailError {
    this.noteDenied(c, token);
    return new SealtrailError('forbidden', message);
  }
}
