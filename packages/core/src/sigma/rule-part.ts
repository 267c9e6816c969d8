import type { LoadedRules } from './load.ts';

/** Some rules with all that they are over. What is over all findings is over everything. */
export function partOf(
  { rules, correlations }: Pick<LoadedRules, 'rules' | 'correlations'>,
  wanted: ReadonlySet<string>,
): Pick<LoadedRules, 'rules' | 'correlations'> {
  const isOverAll = correlations.some(
    ({ key, document }) => wanted.has(key) && document.correlation.type === 'risk',
  );
  if (isOverAll) return { rules, correlations };
  const keys = new Set(wanted);
  // Correlations stand behind what they are over.
  for (const { key, rules: inner } of correlations.toReversed())
    if (keys.has(key)) for (const one of inner) keys.add(one);
  return {
    rules: rules.filter(({ key }) => keys.has(key)),
    correlations: correlations.filter(({ key }) => keys.has(key)),
  };
}
