import { planWindows } from './correlate/window-plan.ts';
import type { Correlation } from './correlation.ts';
import { assertDerived, isDerived, originsOf } from './derived-fields.ts';
import { at } from './detection.ts';
import type { Attempt, FiledDocument, LoadedCorrelation } from './load.ts';
import { type Position, RuleError } from './rule-error.ts';
import { fieldsOf } from './rule-fields.ts';
import type { CorrelationRule } from './rule-file.ts';
import { type Names, resolve } from './rule-names.ts';

/** A correlation on its way into the order: the keys of what it is over, and how many of them were looked at. */
interface Pending {
  readonly filed: FiledDocument<CorrelationRule>;
  readonly keys: readonly string[];
  looked: number;
}

/**
 * Correlations that can run, behind those that they are over. Chains of them can be of any length: the way down is a list,
 * and no call.
 *
 * @param runnable keys of the rules over single events that can run
 */
export function orderedCorrelations(
  documents: readonly FiledDocument<CorrelationRule>[],
  names: Names,
  runnable: ReadonlySet<string>,
  attempt: Attempt,
): LoadedCorrelation[] {
  const ordered: LoadedCorrelation[] = [];
  const state = new Map<string, 'open' | 'done' | 'failed'>();
  const byKey = new Map(documents.map((filed) => [filed.key, filed]));
  const path: Pending[] = [];
  const enter = (filed: FiledDocument<CorrelationRule>): void => {
    const [keys] = attempt(filed, () => keysOf(filed.document, names));
    state.set(filed.key, keys === undefined ? 'failed' : 'open');
    if (keys !== undefined) path.push({ filed, keys, looked: 0 });
  };
  const finish = ({ filed, keys }: Pending): void => {
    const { key, file, document } = filed;
    const loaded = attempt(filed, (): LoadedCorrelation => {
      for (const [i, inner] of keys.entries()) {
        if (runnable.has(inner)) continue;
        const name = document.correlation.rules[i]!;
        at(placeOf(document, document.places.rules[i]), () => {
          if (state.get(inner) === 'open')
            throw new RuleError(`the correlation leads back to itself by ${name}`);
          const correlation = byKey.get(inner)?.document.correlation;
          if (correlation) assertTimely(document.correlation.type, correlation.type, name);
          if (state.get(inner) !== 'done') throw new RuleError(`the rule ${name} cannot be used`);
        });
        assertGiven(document, byKey.get(inner)!.document.correlation, name);
      }
      return { key, file, document, rules: keys };
    });
    ordered.push(...loaded);
    state.set(key, loaded.length > 0 ? 'done' : 'failed');
  };
  for (const filed of documents) {
    if (!state.has(filed.key)) enter(filed);
    for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
      const key = last.keys[last.looked++];
      if (key === undefined) {
        finish(last);
        path.pop();
        continue;
      }
      const inner = byKey.get(key);
      if (inner !== undefined && !state.has(key)) enter(inner);
    }
  }
  // What is over all findings is told of them last.
  const isRisk = ({ document }: LoadedCorrelation): boolean => document.correlation.type === 'risk';
  return [...ordered.filter((one) => !isRisk(one)), ...ordered.filter(isRisk)];
}

/** Keys of what a correlation is over. @throws RuleError for what is wrong with it whatever the others are */
function keysOf(document: CorrelationRule, names: Names): readonly string[] {
  const { correlation, places } = document;
  assertDerived(fieldsOf(correlation));
  // Says what cannot be told, such as steps without an order.
  planWindows(correlation);
  const nameOf = new Map<string, string>();
  return correlation.rules.map((name, i) =>
    at(placeOf(document, places.rules[i]), () => {
      const key = resolve(name, names);
      const before = nameOf.get(key);
      // Steps in an order are different events: one rule can be several of them.
      if (correlation.type === 'temporal' && before !== undefined)
        throw new RuleError(
          `temporal is over different rules: ${name} is the rule that is named as ${before} before`,
        );
      nameOf.set(key, name);
      return key;
    }),
  );
}

const placeOf = (document: CorrelationRule, place: Position | undefined): Position =>
  place ?? document.position;

/** @throws RuleError where a correlation of a type cannot be over another one */
function assertTimely(outer: Correlation['type'], type: Correlation['type'], name: string): void {
  if (outer === 'silence')
    throw new RuleError(
      `silence is over rules, whose matches are heard when they are received: ${name} is none`,
    );
  if (type === 'silence')
    throw new RuleError(`${name} is of the type silence, whose time is that of receipt: nothing is over it`);
  if (type === 'risk')
    throw new RuleError(`${name} is of the type risk, which is over all findings: nothing is over it`);
}

/**
 * All that is known of a correlation are the values of its group.
 *
 * @throws RuleError where a correlation over it asks for another field, and so would never hear of it
 */
function assertGiven({ correlation, places }: CorrelationRule, inner: Correlation, name: string): void {
  const { groupBy, fields, aliases } = correlation;
  const asked = [
    ...groupBy.map((field, i) => [field, places.groupBy[i]!] as const),
    ...fields.map((field, i) => [field, places.fields[i]!] as const),
  ];
  for (const [written, place] of asked) {
    const field = aliases.get(written)?.get(name) ?? written;
    const isGiven = isDerived(field)
      ? originsOf(field).some((origin) => inner.groupBy.includes(origin))
      : inner.groupBy.includes(field);
    if (isGiven) continue;
    const given = inner.groupBy.length === 0 ? 'none' : inner.groupBy.slice(0, 16).join(', ');
    throw new RuleError(
      `the correlation ${name} does not give the field ${field.slice(0, 64)}: those it groups by are ${given}`,
      place,
    );
  }
}
