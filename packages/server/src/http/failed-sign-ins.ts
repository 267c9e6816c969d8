import type { Token } from '@sealtrail/core';
import { actorOf, type SystemTrail } from '../access/system-trail.ts';
import type { HttpContext } from './context.ts';

/** One entry an address (or token) in this time, with the number of attempts since the last one. */
const quietMs = 10_000;
const maxSources = 10_000;

interface Attempts {
  recordedMs: number;
  since: number;
}

/** Puts refused requests into the trail `system`, in bounded number: whoever floods the server does not flood the trail. */
export class FailedSignIns {
  readonly #system: SystemTrail;
  readonly #now: () => number;
  readonly #sources: Map<string, Attempts> = new Map();

  constructor(system: SystemTrail, now: () => number) {
    this.#system = system;
    this.#now = now;
  }

  /** A request without a valid token. */
  note(c: HttpContext, reason: 'missing' | 'unknown'): void {
    const ip = addressOf(c);
    const attempts = this.#count(`ip ${ip}`);
    if (attempts === undefined) return;
    this.#system.note({
      action: 'token.authenticate',
      category: 'authentication',
      outcome: 'failure',
      reason: `${reason} token`,
      actor: { type: 'anonymous' },
      ...sourceOf(c),
      metadata: { attempts },
    });
  }

  /** A request that a valid token does not allow. */
  denied(c: HttpContext, token: Token): void {
    const attempts = this.#count(`token ${token.id} ${c.req.routePath}`);
    if (attempts === undefined) return;
    this.#system.note({
      action: 'api.access',
      category: 'authorization',
      outcome: 'denied',
      actor: actorOf(token),
      ...sourceOf(c),
      context: { http: { method: c.req.method, route: c.req.routePath } },
      metadata: { attempts },
    });
  }

  /** Attempts to report now, or undefined when one was reported just before. */
  #count(source: string): number | undefined {
    const now = this.#now();
    const seen = this.#sources.get(source);
    if (seen && now - seen.recordedMs < quietMs) {
      seen.since++;
      return undefined;
    }
    if (!seen && this.#sources.size >= maxSources) this.#sources.delete(this.#sources.keys().next().value!);
    this.#sources.set(source, { recordedMs: now, since: 0 });
    return 1 + (seen?.since ?? 0);
  }
}

/** The peer's address; proxies in front are the capturing application's business, not this server's. */
export function addressOf(c: HttpContext): string {
  const address = c.env.incoming.socket.remoteAddress ?? '';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

/** Where a request comes from, for an entry. */
export function sourceOf(c: HttpContext): { source?: { ip?: string; userAgent?: string } } {
  const ip = addressOf(c);
  const userAgent = c.req.header('user-agent')?.slice(0, 512);
  return ip || userAgent ? { source: { ...(ip && { ip }), ...(userAgent && { userAgent }) } } : {};
}
