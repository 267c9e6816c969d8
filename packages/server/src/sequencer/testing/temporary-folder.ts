import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createDataFolder, type DataFolder, dataFolder } from '../../adapters/fs/data-folder.ts';

/** A data folder of its own for one test, removed with everything in it. */
export function temporaryFolder(parent: string = tmpdir()): DataFolder & Disposable {
  const dir = mkdtempSync(path.join(parent, 'sealtrail-test-'));
  const folder = dataFolder(dir);
  createDataFolder(folder);
  return { ...folder, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}
