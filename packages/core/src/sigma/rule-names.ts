import type { FiledDocument } from './load.ts';
import { RuleError } from './rule-error.ts';

/** Keys by everything that a rule can be referred to by; null where several have a name. */
export type Names = ReadonlyMap<string, string | null>;

export function namesOf(documents: readonly FiledDocument[]): Names {
  const names = new Map<string, string | null>();
  for (const { key, document } of documents) {
    if (document.kind === 'filter') continue;
    for (const name of new Set([document.header.id, document.header.name]))
      if (name !== undefined) names.set(name, names.has(name) ? null : key);
  }
  return names;
}

/** @throws RuleError where no rule is called so, or several are */
export function resolve(name: string, names: Names): string {
  const key = names.get(name);
  if (key === null) throw new RuleError(`several rules are called ${name}`);
  if (key === undefined) throw new RuleError(`there is no rule with the id or name ${name}`);
  return key;
}
