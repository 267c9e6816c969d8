import { type Recorder, setActor } from '@sealtrail/client';
import { Router } from 'express';
import { readCredentials, readNewUser } from './input.ts';
import { hashPassword, isPassword } from './passwords.ts';
import { actorOf, type Sessions } from './sessions.ts';
import type { Store } from './store.ts';

/** Signing up, in and out. There is no lock after wrong passwords: the sample attack would stop at it. A real shop has one. */
export function accountRoutes(store: Store, sessions: Sessions, recorder: Recorder): Router {
  const routes = Router();

  routes.post('/accounts', async (request, response) => {
    const input = readNewUser(request.body);
    const { name, email } = input ?? {};
    const password = input && (await hashPassword(input.password));
    const user = name && email && password && store.addUser({ name, email, role: 'customer', password });
    if (!user) {
      response
        .status(422)
        .json({ error: 'expected a name, a new email address and a password of 8 characters' });
      return;
    }
    setActor(actorOf(user));
    void recorder.record({
      action: 'user.create',
      category: 'account',
      outcome: 'success',
      targets: [{ type: 'user', id: user.id, name: user.email }],
    });
    response.status(201).json({ id: user.id });
  });

  routes.post('/session', async (request, response) => {
    const input = readCredentials(request.body);
    if (!input) {
      response.status(422).json({ error: 'expected an email address and a password' });
      return;
    }
    const user = store.userByEmail(input.email);
    if (!user || !(await isPassword(input.password, user.password))) {
      if (!user) await isPassword(input.password, undefined);
      // Nobody is signed in, so the actor stays anonymous; whose account was tried is the target.
      void recorder.record({
        action: 'user.login',
        category: 'authentication',
        outcome: 'failure',
        severity: 'low',
        reason: user ? 'wrong password' : 'no such user',
        targets: [{ type: 'user', ...(user && { id: user.id }), name: input.email }],
      });
      response.status(401).json({ error: 'wrong email address or password' });
      return;
    }
    sessions.begin(user, request, response);
    setActor(actorOf(user));
    void recorder.record({
      action: 'user.login',
      category: 'authentication',
      outcome: 'success',
      targets: [{ type: 'user', id: user.id, name: user.email }],
    });
    response.status(200).json({ id: user.id, name: user.name, role: user.role });
  });

  routes.delete('/session', (request, response) => {
    if (sessions.user(request)) {
      void recorder.record({ action: 'user.logout', category: 'authentication', outcome: 'success' });
    }
    sessions.end(request, response);
    response.status(204).end();
  });

  return routes;
}
