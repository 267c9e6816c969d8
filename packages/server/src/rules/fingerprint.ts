import { createHash } from 'node:crypto';
import { type LoadedCorrelation, type LoadedRules, savedForm } from '@sealtrail/core/sigma';

/**
 * By the keys of correlations: what they are, with all that they are over. What is kept of a correlation means something
 * to this very one only, and in the form that it is kept in now; titles, tests and the like do not matter.
 */
export function fingerprintsOf({
  rules,
  correlations,
}: Pick<LoadedRules, 'rules' | 'correlations'>): ReadonlyMap<string, string> {
  const digests = new Map(
    rules.map(({ key, document, detection }) => [key, digestOf([document.logsource, detection])]),
  );
  // Correlations stand behind those that they are over.
  for (const correlation of correlations)
    digests.set(correlation.key, digestOfCorrelation(correlation, digests));
  return new Map(correlations.map(({ key }) => [key, digests.get(key)!]));
}

const digestOfCorrelation = (
  { document, rules }: LoadedCorrelation,
  digests: ReadonlyMap<string, string>,
): string => digestOf([savedForm, document.correlation, rules.map((key) => digests.get(key))]);

const digestOf = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(value, (_, part: unknown) => (part instanceof Map ? [...part] : part)))
    .digest('hex')
    .slice(0, 32);
