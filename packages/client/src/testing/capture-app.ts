import type { Actor } from '@sealtrail/core';
import type { CaptureOptions } from '../capture/capture.ts';
import type { Recorder } from '../recorder.ts';

/** The options of a test, in which requests are whatever the framework calls them. */
export interface AppOptions
  extends Omit<CaptureOptions<unknown>, 'recorder' | 'actor' | 'action' | 'requestId'> {
  readonly recorder: Recorder;
  /** Makes the function that looks up the actor fail. */
  readonly isActorBroken?: boolean;
  readonly action?: () => string;
  readonly requestId?: () => string;
}

/** A running application with the routes that the contract of capture asks for. */
export interface RunningApp extends AsyncDisposable {
  readonly url: string;
  /** Resolves when the handler of `/slow` has begun to answer. */
  readonly slowStarted: Promise<void>;
  /** Resolves when the handler of `/silent`, which never answers, has begun. */
  readonly silentStarted: Promise<void>;
}

/** A framework under test. */
export interface Framework {
  readonly name: string;
  readonly start: (options: AppOptions) => Promise<RunningApp>;
}

/**
 * The authentication of these applications: a header says who it is. It runs after capture and before the handlers, and
 * fails for the header `Broken`.
 */
export function authenticate(header: string | undefined): { readonly id: string } | undefined {
  if (header === 'Broken') throw new Error('private details');
  return header?.startsWith('User ') ? { id: header.slice(5) } : undefined;
}

/** The user whom middleware of the mounted router of invoices refuses. */
export const blockedUser = 'mallory';

export function actorOf(
  user: { readonly id: string } | undefined,
  isBroken: boolean | undefined,
): Actor | undefined {
  if (isBroken) throw new Error('broken actor');
  return user && { type: 'user', id: user.id };
}
