import type { LoadedCorrelation, LoadedRule, LoadedRules } from '@sealtrail/core/sigma';

/** Rules that are to run. */
export type RunnableRules = Pick<LoadedRules, 'rules' | 'correlations'>;

/**
 * Some rules, with what they are over: what is needed by them alone finds nothing by itself.
 *
 * @param isFinding whether a rule is a finding by itself; absent: as it, and what is over it, says
 */
export function rulesAlone(
  { rules, correlations }: RunnableRules,
  wanted: ReadonlySet<string>,
  isFinding?: (key: string) => boolean,
): RunnableRules {
  const needed = new Set(wanted);
  // Correlations stand behind those that they are over.
  for (const { key, rules: inner } of correlations.toReversed())
    if (needed.has(key)) for (const one of inner) needed.add(one);
  const chosen = <T extends LoadedRule | LoadedCorrelation>(all: readonly T[]): T[] =>
    all
      .filter(({ key }) => needed.has(key))
      .map((rule) => {
        if (!wanted.has(rule.key)) return saying(rule, false);
        return isFinding === undefined ? rule : saying(rule, isFinding(rule.key));
      });
  return { rules: chosen(rules), correlations: chosen(correlations) };
}

const saying = <T extends LoadedRule | LoadedCorrelation>(rule: T, finding: boolean): T => ({
  ...rule,
  document: {
    ...rule.document,
    header: { ...rule.document.header, sealtrail: { ...rule.document.header.sealtrail, finding } },
  },
});
