import type { DetectionStore, StoredFinding } from '../../detection-ports.ts';
import type { InOrder } from '../../rules/find-in-order.ts';

/** What is to be written, so that findings are those of a part of history in its order. */
export interface Reconciled {
  readonly added: readonly StoredFinding[];
  /** Added as well, and still to change as the log is followed. */
  readonly begun: readonly StoredFinding[];
  readonly amended: readonly StoredFinding[];
  /** With what they turned out to be a part of, or with themselves. */
  readonly withdrawn: readonly StoredFinding[];
}

/**
 * Makes findings of a trail those of a part of history in its order, by {@link reconcile}. Whoever calls has a transaction
 * open.
 */
export function settle(
  store: Pick<DetectionStore, 'between' | 'commit' | 'cursor'>,
  trail: string,
  inOrder: InOrder,
): {
  readonly changed: readonly StoredFinding[];
  readonly counts: { readonly added: number; readonly amended: number; readonly withdrawn: number };
  /** Keys of correlations that are not exact from the beginning of the part on. */
  readonly leftOut: readonly string[];
} {
  const foundOf = Map.groupBy(inOrder.findings, ({ rule }) => rule);
  const of = [...inOrder.exactFromMs].map(([rule, exactFromMs]) => {
    const found = (foundOf.get(rule) ?? []).toSorted((a, b) => a.startMs - b.startMs);
    const fromMs = found.reduce((least, { startMs }) => Math.min(least, startMs), inOrder.sinceMs);
    const toMs = found.reduce((latest, one) => Math.max(latest, endOf(one)), inOrder.finalMs);
    return reconcile(inOrder, exactFromMs, found, store.between(trail, rule, fromMs, toMs));
  });
  const added = of.flatMap((one) => one.added);
  const begun = of.flatMap((one) => one.begun);
  const amended = of.flatMap((one) => one.amended);
  const withdrawn = of.flatMap((one) => one.withdrawn);
  const settled = [...added, ...amended, ...withdrawn];
  const cursor = store.cursor(trail);
  store.commit(trail, { cursor, findings: begun });
  store.commit(trail, { cursor, findings: settled, isSettled: true });
  return {
    changed: [...begun, ...settled],
    counts: {
      added: added.length + begun.length,
      amended: amended.length,
      withdrawn: withdrawn.length,
    },
    leftOut: [...inOrder.exactFromMs].flatMap(([rule, ms]) => (ms > inOrder.sinceMs ? [rule] : [])),
  };
}

/**
 * Holds findings of a rule that are there against those of a part of history in its order. Of those that overlap, about the
 * same, the first is the same one under the name that it has; the others are a part of it. What is not among those in order
 * was none.
 *
 * What can still change as the log is followed, or began before enough is known, stays as it is; of what goes on it is only told
 * where nothing was.
 *
 * @param found of the rule, by rising start
 * @param known of the rule, by rising start
 */
export function reconcile(
  part: Pick<InOrder, 'from' | 'to' | 'sinceMs' | 'finalMs'>,
  exactFromMs: number,
  found: readonly StoredFinding[],
  known: readonly StoredFinding[],
): Reconciled {
  const added: StoredFinding[] = [];
  const begun: StoredFinding[] = [];
  const amended: StoredFinding[] = [];
  const withdrawn: StoredFinding[] = [];
  const knownOf = Map.groupBy(known, aboutOf);
  const foundOf = Map.groupBy(found, aboutOf);
  for (const about of new Set([...knownOf.keys(), ...foundOf.keys()])) {
    const theirs = foundOf.get(about) ?? [];
    const left = new Map((knownOf.get(about) ?? []).map((one) => [one.id, one]));
    const sames = new Map<StoredFinding, StoredFinding>();
    // A name that one of them would be given must not become that of another one.
    for (const one of theirs) {
      const same = left.get(one.id);
      if (same !== undefined) sames.set(one, same);
      left.delete(one.id);
    }
    for (const one of theirs) {
      const touching = [...left.values()].filter((other) => overlap(one, other));
      const same = sames.get(one) ?? touching[0];
      const all = same === undefined ? [] : [same, ...touching.filter((other) => other !== same)];
      for (const { id } of all) left.delete(id);
      if (!isOf(part, exactFromMs, one)) continue;
      if (same === undefined) (isFinal(part, one) ? added : begun).push(one);
      if (same === undefined || ![one, ...all].every((other) => isFinal(part, other))) continue;
      if (isOther(one, same)) amended.push({ ...one, id: same.id });
      for (const other of all) if (other !== same) withdrawn.push({ ...other, mergedInto: same!.id });
    }
    for (const other of left.values())
      if (isOf(part, exactFromMs, other) && isFinal(part, other))
        withdrawn.push({ ...other, mergedInto: other.id });
  }
  return { added, begun, amended, withdrawn };
}

/** What findings have in common that can be one. */
const aboutOf = ({ tenant, entity, value }: StoredFinding): string =>
  JSON.stringify([tenant ?? null, entity, value ?? null]);

const endOf = ({ endMs }: StoredFinding): number => endMs ?? Number.POSITIVE_INFINITY;

const overlap = (a: StoredFinding, b: StoredFinding): boolean =>
  a.startMs <= endOf(b) && b.startMs <= endOf(a);

/** Whether a finding is of the part, and exact in it. */
const isOf = (
  { from, sinceMs }: Pick<InOrder, 'from' | 'sinceMs'>,
  exactFromMs: number,
  finding: StoredFinding,
): boolean =>
  finding.startMs >= exactFromMs &&
  (endOf(finding) >= sinceMs || finding.entries.some((index) => index >= from));

/** Whether whoever follows the log is done with it, and the part has all that it was told of. */
const isFinal = ({ to, finalMs }: Pick<InOrder, 'to' | 'finalMs'>, finding: StoredFinding): boolean =>
  endOf(finding) <= finalMs && finding.entries.every((index) => index < to);

const isOther = (a: StoredFinding, b: StoredFinding): boolean =>
  a.startMs !== b.startMs || a.endMs !== b.endMs || a.lastMs !== b.lastMs || a.peak !== b.peak;
