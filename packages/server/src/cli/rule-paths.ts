import { SealtrailError } from '@sealtrail/core';
import { type LoadedRules, loadRules } from '@sealtrail/core/sigma';
import { readRuleSources } from '../rules/rule-files.ts';
import type { CliContext } from './context.ts';
import { printable } from './printable.ts';

/** @throws SealtrailError invalid_parameter where there is no rule at all, also none that is wrong */
export async function loadAt(paths: readonly string[]): Promise<LoadedRules> {
  const loaded = loadRules(await readRuleSources(paths));
  const { rules, correlations, faults } = loaded;
  if (rules.length + correlations.length + faults.length === 0)
    throw new SealtrailError('invalid_parameter', `expected a rule in ${paths.join(', ')}`);
  return loaded;
}

/**
 * Rules that cannot be used are left out, and never in silence.
 *
 * @throws SealtrailError invalid_rule where none is left
 */
export function warnOfFaults(
  { rules, correlations, faults }: LoadedRules,
  terminal: CliContext['terminal'],
): void {
  for (const fault of faults) terminal.err(`sealtrail: left out: ${faultText(fault)}\n`);
  if (rules.length + correlations.length === 0)
    throw new SealtrailError('invalid_rule', 'none of the rules can be used');
}

export const faultText = ({ file, line, column, message }: LoadedRules['faults'][number]): string =>
  `${printable(file)}:${line}:${column}: ${printable(message)}`;
