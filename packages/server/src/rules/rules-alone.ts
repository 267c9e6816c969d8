import type { LoadedCorrelation, LoadedRule, LoadedRules } from '@sealtrail/core/sigma';

/** Rules that are to run. */
export type RunnableRules = Pick<LoadedRules, 'rules' | 'correlations'>;

/** Some rules, with what they are over: what is needed by them alone finds nothing by itself. */
export function rulesAlone(
  { rules, correlations }: RunnableRules,
  wanted: ReadonlySet<string>,
): RunnableRules {
  const needed = new Set(wanted);
  // Correlations stand behind those that they are over.
  for (const { key, rules: inner } of correlations.toReversed())
    if (needed.has(key)) for (const one of inner) needed.add(one);
  const chosen = <T extends LoadedRule | LoadedCorrelation>(all: readonly T[]): T[] =>
    all.filter(({ key }) => needed.has(key)).map((rule) => (wanted.has(rule.key) ? rule : quiet(rule)));
  return { rules: chosen(rules), correlations: chosen(correlations) };
}

const quiet = <T extends LoadedRule | LoadedCorrelation>(rule: T): T => ({
  ...rule,
  document: {
    ...rule.document,
    header: { ...rule.document.header, sealtrail: { ...rule.document.header.sealtrail, finding: false } },
  },
});
