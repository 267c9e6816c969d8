import type { LoadedRules } from '@sealtrail/core/sigma';

type Rules = Pick<LoadedRules, 'rules' | 'correlations'>;

/**
 * Keys of rules that are only there for correlations, and are no findings by themselves.
 *
 * @param isBuiltIn whether a file comes with the server: what somebody adds takes nothing away from rules of other files
 */
export function innerOf(
  { rules, correlations }: Rules,
  isBuiltIn: (file: string) => boolean,
): ReadonlySet<string> {
  const fileOf = new Map([...rules, ...correlations].map(({ key, file }) => [key, file]));
  const inner = new Set<string>();
  const ownOf = ({ file, rules: keys }: Rules['correlations'][number]): readonly string[] =>
    keys.filter((key) => isBuiltIn(file) || fileOf.get(key) === file);
  for (const correlation of correlations) for (const key of ownOf(correlation)) inner.add(key);
  for (const correlation of correlations)
    if (correlation.document.correlation.generate) for (const key of ownOf(correlation)) inner.delete(key);
  return inner;
}

/** By the key of a rule: the keys of those whose open alerts stand for its own. */
export function inhibitorsOf({ rules, correlations }: Rules): ReadonlyMap<string, readonly string[]> {
  const all = [...rules, ...correlations];
  const keyOf = new Map(
    all.flatMap(({ key, document }) =>
      [document.header.name, key].flatMap((name) => (name === undefined ? [] : [[name, key] as const])),
    ),
  );
  const inhibitors = new Map<string, string[]>();
  for (const { key, document } of all)
    for (const name of document.header.sealtrail?.inhibits ?? []) {
      const target = keyOf.get(name);
      if (target === undefined) continue;
      const known = inhibitors.get(target);
      if (known) known.push(key);
      else inhibitors.set(target, [key]);
    }
  return inhibitors;
}
