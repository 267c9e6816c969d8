import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** How people start this command line where they are. */
export interface Invocation {
  /** What they type before the name of a command. */
  readonly command: string;
  /** The folder in which that works; absent: everywhere. */
  readonly folder?: string;
}

/**
 * How this command line is started: in a clone, as a package that a project depends on, or installed for all.
 *
 * @param module the address of a module of ours, at its depth in the package
 */
export function invocation(
  environment: Readonly<Record<string, string | undefined>>,
  module: string = import.meta.url,
): Invocation {
  const file = fileURLToPath(module);
  if (!file.includes(`${path.sep}node_modules${path.sep}`)) {
    return { command: 'npm run -s sealtrail --', folder: path.resolve(file, '../../../../..') };
  }
  // npm puts the commands of a project on its own PATH, where the shell of its user does not have them.
  const isOnPath =
    environment['npm_command'] === undefined &&
    (environment['PATH'] ?? '')
      .split(path.delimiter)
      .some((dir) => ['sealtrail', 'sealtrail.cmd'].some((name) => existsSync(path.join(dir, name))));
  return { command: isOnPath ? 'sealtrail' : 'npx sealtrail' };
}
