import type { Recorder } from '@sealtrail/client';
import type { RequestHandler } from 'express';
import type { Sessions } from './sessions.ts';
import type { Role } from './store.ts';

/** Makes middleware that lets only some roles pass, and records whom it stops. */
export type RequireRole = (...allowed: readonly Role[]) => RequestHandler;

export function createRequireRole(sessions: Sessions, recorder: Recorder): RequireRole {
  return (...allowed) =>
    (request, response, next) => {
      const user = sessions.user(request);
      if (!user) {
        response.status(401).json({ error: 'sign in first' });
        return;
      }
      if (allowed.includes(user.role)) {
        next();
        return;
      }
      void recorder.record({
        action: 'access.deny',
        category: 'authorization',
        outcome: 'denied',
        severity: 'medium',
        reason: `needs the role ${allowed.join(' or ')}, has ${user.role}`,
      });
      response.status(403).json({ error: 'not allowed' });
    };
}
