import type { SystemEvent } from '../access/system-trail.ts';
import { verificationEvent } from './verification-schedule.ts';

/** Each is an entry; the log line says how many there are. */
const maxTold = 100;

/**
 * Tells of trails that have a key or a line of the trust policy and that the log does not have, in the words of a
 * verification that failed: a trail that is taken out of log.db and published.db leaves nothing else. A trail whose making
 * was cut off by a crash looks the same until it is made. The server starts: the other trails are what they were.
 *
 * @param lost names, or origins
 */
export function tellLostTrails(
  lost: readonly string[],
  note: (event: SystemEvent) => void,
  log: (message: string) => void,
): void {
  if (lost.length === 0) return;
  log(
    `${lost.length} ${lost.length === 1 ? 'trail has' : 'trails have'} a key or a line in trust-policy.txt and ${lost.length === 1 ? 'is' : 'are'} not in the log: ${lost.slice(0, 10).join(', ')}${lost.length > 10 ? ' and more' : ''}. Run sealtrail verify; look for log.db in a backup`,
  );
  for (const name of lost.slice(0, maxTold)) {
    const id = name.slice(0, 256);
    note(verificationEvent(false, [{ type: 'trail', id }], { trail: id, codes: ['missing'] }));
  }
}
