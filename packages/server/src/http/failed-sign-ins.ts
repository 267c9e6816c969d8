import type { Token } from '@sealtrail/core';
import { actorOf } from '../access/permissions.ts';
import type { SystemEvent, SystemTrail } from '../access/system-trail.ts';
import type { HttpContext } from './context.ts';
import { routeOf } from './route-of.ts';
import { type Addressing, addressOf, sourceOf } from './source.ts';

/** The first refusal of an address (or token) is one entry, and all that follow in this time are one more. */
const quietMs = 10_000;
/** Addresses and tokens told apart; the refusals of further ones are counted together. */
const maxSources = 1000;
const othersKey = 'others';

interface Refusals {
  readonly timer: NodeJS.Timeout;
  /** Refusals since the last entry. */
  count: number;
  /** What the last of them would have said. */
  event: SystemEvent;
}

/**
 * Puts refused requests into the trail `system`, in bounded number: whoever floods the server does not flood the trail.
 * Every refusal is counted in an entry.
 */
export class FailedSignIns {
  readonly #parts: Addressing & { readonly system: Pick<SystemTrail, 'note'> };
  readonly #sources: Map<string, Refusals> = new Map();

  constructor(parts: Addressing & { readonly system: Pick<SystemTrail, 'note'> }) {
    this.#parts = parts;
  }

  /** A request without a valid token. */
  note(c: HttpContext, reason: 'missing' | 'unknown'): void {
    this.#count(`ip ${addressOf(this.#parts, c) ?? ''}`, {
      action: 'token.authenticate',
      category: 'authentication',
      outcome: 'failure',
      reason: `${reason} token`,
      actor: { type: 'anonymous' },
      ...sourceOf(this.#parts, c),
    });
  }

  /** A request that a valid token does not allow. */
  denied(c: HttpContext, token: Token): void {
    this.#count(`token ${token.id} ${c.req.method} ${routeOf(c)}`, {
      action: 'api.access',
      category: 'authorization',
      outcome: 'denied',
      actor: actorOf(token),
      ...sourceOf(this.#parts, c),
      context: { http: { method: c.req.method, route: routeOf(c) } },
    });
  }

  /** Reports what has been counted and not yet reported: for when the server stops. */
  flush(): void {
    for (const { timer, count, event } of this.#sources.values()) {
      clearTimeout(timer);
      if (count > 0) this.#report(event, count);
    }
    this.#sources.clear();
  }

  #count(key: string, event: SystemEvent): void {
    const seen = this.#sources.get(key);
    if (seen) {
      seen.count++;
      seen.event = event;
      return;
    }
    if (this.#sources.size >= maxSources && key !== othersKey) {
      const { source: _one, actor: _other, ...shared } = event;
      this.#count(othersKey, shared);
      return;
    }
    this.#report(event, 1);
    const timer = setInterval(() => this.#endOfQuiet(key), quietMs);
    timer.unref();
    this.#sources.set(key, { timer, count: 0, event });
  }

  #endOfQuiet(key: string): void {
    const seen = this.#sources.get(key)!;
    if (seen.count > 0) {
      this.#report(seen.event, seen.count);
      seen.count = 0;
      return;
    }
    clearTimeout(seen.timer);
    this.#sources.delete(key);
  }

  #report(event: SystemEvent, attempts: number): void {
    this.#parts.system.note({ ...event, metadata: { attempts } });
  }
}
