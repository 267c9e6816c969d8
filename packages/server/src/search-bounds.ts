import { SealtrailError } from '@sealtrail/core';

/** Results in one answer: entries of a page, values of a count. */
export const limits = { most: 1000, page: 50, values: 10 } as const;

/** How many results were asked for, over HTTP or in process. @throws SealtrailError invalid_parameter */
export function boundedLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= limits.most) return limit;
  throw new SealtrailError('invalid_parameter', `limit: expected an integer from 1 to ${limits.most}`);
}

/**
 * The index of an entry to wait for: it has to exist. Waiting for others would only hold the index up.
 *
 * @param size that of the trail; undefined when there is none
 * @throws SealtrailError invalid_parameter | trail_not_found
 */
export function existingIndex(after: number, size: number | undefined): number {
  if (size === undefined) throw new SealtrailError('trail_not_found');
  if (Number.isInteger(after) && after >= 0 && after < size) return after;
  throw new SealtrailError('invalid_parameter', 'after: expected the index of an entry of the trail');
}
