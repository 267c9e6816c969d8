import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Test data of third parties; it stays outside of the repository. */
const root = new URL('../../../../../../shared/corpus/', import.meta.url);

/** Whether it is absent: tests over it then say that they were skipped. */
export const isAbsent: boolean = !existsSync(root);

/** The records of a JSON Lines file. */
export function records<T>(file: string): T[] {
  return readFileSync(new URL(file, root), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

/** A JSON file. */
export const json = <T>(file: string): T => JSON.parse(readFileSync(new URL(file, root), 'utf8')) as T;

/** The texts of all files in a folder, by name. */
export const texts = (folder: string): (readonly [name: string, text: string])[] =>
  readdirSync(new URL(folder, root)).map((name) => [
    name,
    readFileSync(new URL(`${folder}${name}`, root), 'utf8'),
  ]);
