import { randomBytes } from 'node:crypto';
import type { Actor } from '@sealtrail/client';
import type { Request, RequestHandler, Response } from 'express';
import type { Store, User } from './store.ts';

const cookieName = 'session';
const maxSessions = 10_000;

/** Who is signed in. A session is a random cookie; what it stands for stays on the server. */
export class Sessions {
  readonly #userIds = new Map<string, string>();
  readonly #users = new WeakMap<Request, User>();
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Finds the user of each request. */
  readonly middleware: RequestHandler = (request, _response, next) => {
    const token = readCookie(request);
    const userId = token === undefined ? undefined : this.#userIds.get(token);
    const user = userId === undefined ? undefined : this.#store.user(userId);
    if (user) this.#users.set(request, user);
    next();
  };

  begin(user: User, request: Request, response: Response): void {
    const token = randomBytes(32).toString('base64url');
    this.#userIds.set(token, user.id);
    const [oldest] = this.#userIds.keys();
    if (this.#userIds.size > maxSessions && oldest !== undefined) this.#userIds.delete(oldest);
    this.#users.set(request, user);
    response.cookie(cookieName, token, { httpOnly: true, sameSite: 'strict', path: '/' });
  }

  end(request: Request, response: Response): void {
    const token = readCookie(request);
    if (token !== undefined) this.#userIds.delete(token);
    response.clearCookie(cookieName, { path: '/' });
  }

  user(request: Request): User | undefined {
    return this.#users.get(request);
  }

  /** The user of a request as events name them. */
  actor(request: Request): Actor | undefined {
    const user = this.#users.get(request);
    return user && actorOf(user);
  }
}

export function actorOf(user: User): Actor {
  return { type: 'user', id: user.id, name: user.name, email: user.email };
}

function readCookie(request: Request): string | undefined {
  const cookies = request.get('cookie')?.split(';') ?? [];
  for (const cookie of cookies) {
    const [name, value] = cookie.trim().split('=', 2);
    if (name === cookieName && value) return value;
  }
  return undefined;
}
