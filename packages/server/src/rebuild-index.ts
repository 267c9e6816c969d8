import { existsSync } from 'node:fs';
import { SealtrailError } from '@sealtrail/core';
import { dataFolder, lockDataFolder } from './adapters/fs/data-folder.ts';
import { SqliteLogReader } from './adapters/sqlite/log-reader.ts';
import { EventIndex } from './followers/index/event-index.ts';

/**
 * Makes the search index of a data folder again from its log. The folder must not be in use. What the signal leaves
 * undone is made when the server starts.
 */
export async function rebuildIndex(
  dir: string,
  onProgress: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<{ readonly entries: number }> {
  const folder = dataFolder(dir);
  if (!existsSync(folder.log))
    throw new SealtrailError(
      'data_folder_invalid',
      `there is no log in ${folder.dir}; check the folder's name`,
    );
  using _lock = lockDataFolder(folder);
  EventIndex.remove(folder.index);
  using reader = new SqliteLogReader(folder.log);
  const total = reader.trails().reduce((sum, { size }) => sum + size, 0);
  const done = new Map<string, number>();
  await using index = EventIndex.open({
    dir: folder.index,
    log: reader,
    onIndexed: (sizes) => {
      for (const [trail, size] of sizes) done.set(trail, size);
      onProgress(
        [...done.values()].reduce((sum, size) => sum + size, 0),
        total,
      );
    },
  });
  signal?.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  signal?.addEventListener('abort', () => aborted.reject(signal.reason as Error), { once: true });
  await Promise.race([index.caughtUp(), aborted.promise]);
  return { entries: total };
}
