import { existsSync, readFileSync } from 'node:fs';

/** Test data of third parties; it stays outside of the repository. */
const root = new URL('../../../../shared/corpus/', import.meta.url);

/** Whether it is absent: what needs it then says that it was skipped. */
export const isAbsent: boolean = !existsSync(root);

/** The records of a JSON Lines file. */
export const records = <T>(file: string): T[] =>
  readFileSync(new URL(file, root), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
