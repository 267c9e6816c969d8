import { existsSync } from 'node:fs';
import { type Backtest, SealtrailError } from '@sealtrail/core';
import { dataFolder } from '../adapters/fs/data-folder.ts';
import { MmdbLocations } from '../adapters/mmdb/mmdb-locations.ts';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import { type BacktestOptions, backtest } from './backtest.ts';
import { findInOrder, type InOrder, type InOrderOptions } from './find-in-order.ts';

type InFolder<Options> = Omit<Options, 'reader' | 'locate'> & {
  /** Databases that say where addresses are. */
  readonly locations: readonly string[];
};

/**
 * Holds rules against a part of the history in a data folder, also beside a running server.
 *
 * @throws SealtrailError data_folder_invalid | trail_not_found | invalid_configuration
 */
export const backtestFolder = (dir: string, options: InFolder<BacktestOptions>): Backtest =>
  within(dir, options, backtest);

/** As {@link backtestFolder}, for {@link findInOrder}. @throws SealtrailError invalid_parameter, too */
export const findInOrderIn = (dir: string, options: InFolder<InOrderOptions>): InOrder =>
  within(dir, options, findInOrder);

function within<Options extends Pick<BacktestOptions, 'trail' | 'reader' | 'locate'>, Result>(
  dir: string,
  { locations, ...options }: InFolder<Options>,
  work: (options: Options) => Result,
): Result {
  const folder = dataFolder(dir);
  if (!existsSync(folder.log))
    throw new SealtrailError(
      'data_folder_invalid',
      `there is no log in ${folder.dir}; check the folder's name`,
    );
  using reader = new SqliteLogReader(folder.log);
  const { trail } = options as unknown as Options;
  if (!reader.trails().some(({ name }) => name === trail)) throw new SealtrailError('trail_not_found');
  const locate = locations.length > 0 ? new MmdbLocations(locations).locate : undefined;
  return work({ ...options, reader, locate } as unknown as Options);
}
