export const thresholdOperators = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'] as const;
export type ThresholdOperator = (typeof thresholdOperators)[number];

/** What is measured must be; several hold together. */
export type Threshold = Readonly<Partial<Record<ThresholdOperator, number>>>;

/** What a measure can be: from `least` on, up to `most`. */
export interface Range {
  readonly isWhole: boolean;
  readonly least: number;
  readonly most: number;
}

export function meets({ gt, gte, lt, lte, eq, neq }: Threshold, measured: number): boolean {
  return (
    (gt === undefined || measured > gt) &&
    (gte === undefined || measured >= gte) &&
    (lt === undefined || measured < lt) &&
    (lte === undefined || measured <= lte) &&
    (eq === undefined || measured === eq) &&
    (neq === undefined || measured !== neq)
  );
}

/** Whether any, and whether all of what can be measured meets a threshold. */
export function reachOf(threshold: Threshold, range: Range): 'none' | 'some' | 'all' {
  const candidates = pointsOf(threshold, range).filter(
    (point) => point >= range.least && point <= range.most && (!range.isWhole || Number.isInteger(point)),
  );
  if (candidates.every((point) => meets(threshold, point))) return 'all';
  return candidates.some((point) => meets(threshold, point)) ? 'some' : 'none';
}

/** Between two bounds that follow each other a threshold is met everywhere or nowhere: a point of each such part. */
function pointsOf(threshold: Threshold, { isWhole, least, most }: Range): readonly number[] {
  const bounds = [...Object.values(threshold), least, most].filter(Number.isFinite).sort((a, b) => a - b);
  if (isWhole) return bounds.flatMap((bound) => [-1, 0, 1, 2].map((step) => Math.floor(bound) + step));
  return [
    bounds[0]! - 1,
    ...bounds.flatMap((bound, i) => [bound, (bound + (bounds[i + 1] ?? bound + 2)) / 2]),
  ];
}
