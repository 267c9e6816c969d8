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
}

/** A framework under test. */
export interface Framework {
  readonly name: string;
  readonly start: (options: AppOptions) => Promise<RunningApp>;
  /** Whether the framework knows the route before its middleware has run. */
  readonly knowsRouteOfRefused: boolean;
}

/**
 * The authentication of these applications: a header says who it is. It runs after capture and before the handlers.
 */
export function authenticate(header: string | undefined): { readonly id: string } | undefined {
  return header?.startsWith('User ') ? { id: header.slice(5) } : undefined;
}

export function actorOf(
  user: { readonly id: string } | undefined,
  isBroken: boolean | undefined,
): Actor | undefined {
  if (isBroken) throw new Error('broken actor');
  return user && { type: 'user', id: user.id };
}
