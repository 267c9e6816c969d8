import { SealtrailError } from '@sealtrail/core';
import type { CliContext } from './context.ts';
import { readText } from './input-file.ts';

const maxBytes = 16 * 1024;

/**
 * What other users of the machine must not see in a list of processes: out of a file, standard input or the environment.
 *
 * @param file its name, - for standard input; undefined: the environment
 * @returns undefined where none was given; the line end at the end of a file is not part of it
 * @throws SealtrailError invalid_parameter
 */
export async function givenSecret(
  file: string | undefined,
  variable: string,
  context: Pick<CliContext, 'environment' | 'stdin'>,
): Promise<string | undefined> {
  if (file === undefined) return context.environment[variable] || undefined;
  const secret = (await readText(file, context, maxBytes)).replace(/\r?\n$/, '');
  if (secret === '')
    throw new SealtrailError(
      'invalid_parameter',
      `expected a secret in ${file === '-' ? 'standard input' : file}, found nothing`,
    );
  return secret;
}
