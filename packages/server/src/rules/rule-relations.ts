import type { LoadedRules } from '@sealtrail/core/sigma';
import { systemTrail } from '../access/permissions.ts';

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

/** Keys of rules that match an entry of the trail `system` in one of their tests, and of correlations over such. */
export function aboutSystem({ rules, correlations }: Rules): ReadonlySet<string> {
  const found = new Set(
    [...rules, ...correlations].flatMap(({ key, document }) =>
      (document.header.sealtrail?.tests ?? []).some(
        ({ match, event, events = [] }) =>
          match && [event, ...events.map((one) => one.event)].some((one) => one?.['trail'] === systemTrail),
      )
        ? [key]
        : [],
    ),
  );
  // Each correlation comes after those that it is made of.
  for (const { key, rules: parts } of correlations) if (parts.some((part) => found.has(part))) found.add(key);
  return found;
}

/**
 * By the key of a rule: the keys of those whose open alerts stand for its own.
 *
 * @param isBuiltIn whether a file comes with the server: what somebody adds stands for rules of its own file alone
 */
export function inhibitorsOf(
  { rules, correlations }: Rules,
  isBuiltIn: (file: string) => boolean,
): ReadonlyMap<string, readonly string[]> {
  const all = [...rules, ...correlations];
  // What a rule can name: those of its file, or all that are built in.
  const scopeOf = (file: string): string | undefined => (isBuiltIn(file) ? undefined : file);
  const keysOf = new Map(
    [...Map.groupBy(all, ({ file }) => scopeOf(file))].map(([scope, within]) => [
      scope,
      new Map(
        within.flatMap(({ key, document }) =>
          [document.header.name, key].flatMap((name) => (name === undefined ? [] : [[name, key] as const])),
        ),
      ),
    ]),
  );
  const inhibitors = new Map<string, string[]>();
  for (const { key, file, document } of all)
    for (const name of document.header.sealtrail?.inhibits ?? []) {
      const target = keysOf.get(scopeOf(file))!.get(name);
      if (target === undefined) continue;
      const known = inhibitors.get(target);
      if (known) known.push(key);
      else inhibitors.set(target, [key]);
    }
  return inhibitors;
}
