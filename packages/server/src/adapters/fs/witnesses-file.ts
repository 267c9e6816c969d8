import { readFileSync, statSync } from 'node:fs';
import { SealtrailError } from '@sealtrail/core';

/** A trust policy with a thousand trails beside its witnesses. */
const maxBytes = 1_000_000;

/**
 * Reads the file that names the witnesses. It is the operator's own and may lie anywhere, behind a link too.
 *
 * @throws SealtrailError invalid_configuration
 */
export function readWitnessesFile(file: string): string {
  try {
    const stats = statSync(file);
    if (!stats.isFile() || stats.size > maxBytes)
      throw new SealtrailError(
        'invalid_configuration',
        `witnesses: expected a file of at most ${maxBytes} bytes, got ${file}`,
      );
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof SealtrailError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new SealtrailError(
      'invalid_configuration',
      `witnesses: expected a file that can be read, got ${file} (${code})`,
      { cause },
    );
  }
}
