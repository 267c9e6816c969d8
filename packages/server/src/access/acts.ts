import { SealtrailError, type Token, uuidBytes } from '@sealtrail/core';
import type { Act } from '../detection-ports.ts';
import type { TileReader } from '../ports.ts';
import type { LogClient } from '../sequencer/log-client.ts';
import type { TrailStatus } from '../sequencer/protocol.ts';
import { deterministicId } from './deterministic-id.ts';
import type { Issuer } from './issue-token.ts';
import { systemTrail } from './permissions.ts';
import type { SystemEvent, SystemTrail } from './system-trail.ts';
import type { Tokens } from './tokens.ts';

// Acts that are done first and recorded then: a trail's key is known when it is there, and a token must be revocable while
// the log cannot be written. Their entries' ids follow from what was done, so that an act is in `system` once, however often
// it is reported; what a crash has left out is made up for on the next start.

const byServer: Issuer = { actor: { type: 'system' } };

const trailCreated = ({ name, vkey }: TrailStatus, by: Issuer): Act => ({
  id: deterministicId(`trail.create ${name} ${vkey}`),
  action: 'trail.create',
  category: 'configuration',
  ...by,
  targets: [{ type: 'trail', id: name }],
  metadata: { vkey },
});

const tokenRevoked = ({ id, name, revokedAt }: Token, by: Issuer): Act => ({
  id: deterministicId(`token.revoke ${id}`),
  action: 'token.revoke',
  category: 'access_management',
  ...by,
  targets: [{ type: 'token', id, name }],
  metadata: { revokedAt },
});

/** Makes a trail and reports it. @throws SealtrailError trail_exists; as {@link SystemTrail.record} */
export async function createTrail(
  parts: { readonly log: LogClient; readonly system: SystemTrail },
  name: string,
  by: Issuer,
): Promise<TrailStatus> {
  const trail = await parts.log.createTrail(name);
  await recordAct(parts.system, trailCreated(trail, by));
  return trail;
}

/**
 * Ends a token for good and reports it. Revoking one that is revoked changes nothing, and reports what was not reported.
 *
 * @param isReached whether the caller may know of the token
 * @throws SealtrailError token_not_found | storage_unavailable; as {@link SystemTrail.record}
 */
export async function revokeToken(
  parts: { readonly tokens: Tokens; readonly system: SystemTrail },
  id: string,
  by: Issuer,
  isReached: (token: Token) => boolean,
): Promise<Token> {
  const revoked = parts.tokens.revoke(id, isReached);
  await recordAct(parts.system, tokenRevoked(revoked, by));
  return revoked;
}

/** Reports what had been done, but not recorded, when the process ended. */
export async function recordForgottenActs(parts: {
  readonly log: LogClient;
  readonly reader: TileReader;
  readonly tokens: Tokens;
  readonly system: SystemTrail;
}): Promise<void> {
  const acts = [
    ...parts.log.trails().map((trail) => trailCreated(trail, byServer)),
    ...parts.tokens
      .list()
      .filter(({ revokedAt }) => revokedAt !== null)
      .map((token) => tokenRevoked(token, byServer)),
  ];
  const forgotten = acts.filter(({ id }) => parts.reader.indexOf(systemTrail, uuidBytes(id)) === undefined);
  // At once, so that they share commits: a folder from before may have thousands of trails.
  await Promise.all(forgotten.map((act) => recordAct(parts.system, act)));
}

/** Puts an act into the trail `system`, where it is once. @throws as {@link SystemTrail.record} */
export async function recordAct(system: SystemTrail, act: SystemEvent): Promise<void> {
  try {
    await system.record(act);
  } catch (error) {
    // It is in the trail already: as the act of another, or in the words of another version.
    if (!(error instanceof SealtrailError && error.code === 'id_conflict')) throw error;
  }
}
