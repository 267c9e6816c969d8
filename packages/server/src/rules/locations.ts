import type { LoadedRules, Locate } from '@sealtrail/core/sigma';
import { withoutLocations } from '@sealtrail/core/sigma';
import { MmdbLocations } from '../adapters/mmdb/mmdb-locations.ts';

/**
 * Says where addresses are, out of the databases that were given. Rules that need that and do not have it are named, and so
 * are files that turn out to be damaged.
 *
 * @throws SealtrailError invalid_configuration when a file is no such database
 */
export function locateFor(
  loaded: LoadedRules,
  files: readonly string[],
  warn: (message: string) => void,
): Locate | undefined {
  if (files.length > 0) {
    const onFault = (file: string): void => warn(`${file} is damaged: some addresses are not found in it`);
    return new MmdbLocations(files, { onFault }).locate;
  }
  for (const { rule, message } of withoutLocations(loaded)) warn(`${rule}: ${message}`);
  return undefined;
}
