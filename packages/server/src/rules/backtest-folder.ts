import { existsSync } from 'node:fs';
import { type Backtest, SealtrailError } from '@sealtrail/core';
import { dataFolder } from '../adapters/fs/data-folder.ts';
import { MmdbLocations } from '../adapters/mmdb/mmdb-locations.ts';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import { type BacktestOptions, backtest } from './backtest.ts';

/**
 * Holds rules against a part of the history in a data folder, also beside a running server.
 *
 * @param options `locations`: databases that say where addresses are
 * @throws SealtrailError data_folder_invalid | trail_not_found | invalid_configuration
 */
export function backtestFolder(
  dir: string,
  {
    locations,
    ...options
  }: Omit<BacktestOptions, 'reader' | 'locate'> & { readonly locations: readonly string[] },
): Backtest {
  const folder = dataFolder(dir);
  if (!existsSync(folder.log))
    throw new SealtrailError(
      'data_folder_invalid',
      `there is no log in ${folder.dir}; check the folder's name`,
    );
  using reader = new SqliteLogReader(folder.log);
  if (!reader.trails().some(({ name }) => name === options.trail))
    throw new SealtrailError('trail_not_found');
  const locate = locations.length > 0 ? new MmdbLocations(locations).locate : undefined;
  return backtest({ ...options, reader, locate });
}
