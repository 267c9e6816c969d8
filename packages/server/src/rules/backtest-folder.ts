import { existsSync } from 'node:fs';
import { type Backtest, SealtrailError } from '@sealtrail/core';
import { dataFolder } from '../adapters/fs/data-folder.ts';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import { type BacktestOptions, backtest } from './backtest.ts';

/**
 * Holds rules against a part of the history in a data folder, also beside a running server.
 *
 * @throws SealtrailError data_folder_invalid | trail_not_found
 */
export function backtestFolder(dir: string, options: Omit<BacktestOptions, 'reader'>): Backtest {
  const folder = dataFolder(dir);
  if (!existsSync(folder.log))
    throw new SealtrailError(
      'data_folder_invalid',
      `there is no log in ${folder.dir}; check the folder's name`,
    );
  using reader = new SqliteLogReader(folder.log);
  if (!reader.trails().some(({ name }) => name === options.trail))
    throw new SealtrailError('trail_not_found');
  return backtest({ ...options, reader });
}
