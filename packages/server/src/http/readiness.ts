import { z } from '@hono/zod-openapi';
import type { HttpParts } from './context.ts';

/** What `GET /readyz` answers with. */
export interface Readiness {
  readonly status: 'ready' | 'not_ready' | 'draining' | 'failed';
  /** By part: `ready`, or the code of what keeps it from it. */
  readonly parts: { readonly log: string; readonly search: string; readonly detection: string };
}

const part = z.string().openapi({
  description: '`ready`, or the code of the error that its requests are answered with.',
  example: 'storage_unavailable',
});

export const readinessSchema: z.ZodType<Readiness> = z
  .strictObject({
    status: z.enum(['ready', 'not_ready', 'draining', 'failed']).openapi({
      description:
        '`not_ready` passes by itself once the reason has passed, but for a log that a witness proves to be behind or changed; `failed` needs a restart.',
    }),
    parts: z.strictObject({
      log: part,
      search: part,
      detection: part.openapi({
        description:
          '`ready`, `off`, or the code of the error. The server is ready without it: events are taken, and looked at later.',
        example: 'ready',
      }),
    }),
  })
  .openapi('Readiness');

/** Whether everything is there that requests need, and which part is not. */
export function readinessOf({
  isDraining,
  log,
  search,
  detection,
}: Pick<HttpParts, 'isDraining' | 'log' | 'search' | 'detection'>): Readiness {
  const parts = {
    log: log.unreadiness ?? 'ready',
    search: search.unreadiness ?? 'ready',
    detection: detection.state,
  };
  const isReady = parts.log === 'ready' && parts.search === 'ready';
  if (isDraining()) return { status: 'draining', parts };
  if (log.failed) return { status: 'failed', parts };
  return { status: isReady ? 'ready' : 'not_ready', parts };
}
