import { SealtrailError } from '@sealtrail/core';
import type Database from 'better-sqlite3';

/**
 * Brings a database to the newest of its formats. Each step leads from the format before it (`user_version`) to the next;
 * steps are only ever added.
 *
 * @throws SealtrailError data_folder_invalid when a newer version has written the file
 */
export function migrate(db: Database.Database, steps: readonly string[]): void {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > steps.length)
    throw new SealtrailError(
      'data_folder_invalid',
      `${db.name} is of a newer version of Sealtrail (format ${version}; this one knows ${steps.length}); start that one`,
    );
  steps.slice(version).forEach((step, i) => {
    db.transaction(() => {
      db.exec(step);
      db.pragma(`user_version = ${version + i + 1}`);
    })();
  });
}
