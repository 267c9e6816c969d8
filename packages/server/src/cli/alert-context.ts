import {
  type Alert,
  all,
  type EventPage,
  encodeCursor,
  queryDigest,
  type RuleDetails,
  SealtrailError,
  type StoredEntry,
} from '@sealtrail/core';
import { interruptionOf } from './interruption.ts';
import type { ServerApi } from './server-api.ts';

/** What helps to understand an alert, as far as the token may see it. */
export interface AlertContext {
  /** What its rule says that it is about. */
  readonly description: string | undefined;
  /** The entries of the alert that could be read, in their order. */
  readonly entries: readonly StoredEntry[];
}

/** Entries that are read with one request: those between two of an alert are read with them. */
const maxSpan = 200;

/** Reads what an alert refers to. What the token may not see, or what is not there any more, is left out. */
export async function readAlertContext(api: Pick<ServerApi, 'json'>, alert: Alert): Promise<AlertContext> {
  const [description, ...pages] = await Promise.all([
    ifAllowed(descriptionOf(api, alert)),
    ...spansOf(alert.entries).map((span) => ifAllowed(entriesOf(api, alert.trail, span))),
  ]);
  const wanted = new Set(alert.entries);
  const found = new Map(pages.flatMap((page) => page ?? []).map((stored) => [stored.index, stored] as const));
  return {
    description,
    entries: [...found.values()].filter(({ index }) => wanted.has(index)).sort((a, b) => a.index - b.index),
  };
}

async function descriptionOf(api: Pick<ServerApi, 'json'>, { rule }: Alert): Promise<string | undefined> {
  const { rule: found } = await api.json<RuleDetails>('GET', `v1/rules/${encodeURIComponent(rule.key)}`);
  return found.description ?? undefined;
}

/** First and last of entries that lie close together. */
type Span = readonly [first: number, last: number];

function spansOf(indexes: readonly number[]): readonly Span[] {
  const spans: Span[] = [];
  for (const index of indexes.toSorted((a, b) => a - b)) {
    const open = spans.at(-1);
    if (open !== undefined && index - open[0] < maxSpan) spans[spans.length - 1] = [open[0], index];
    else spans.push([index, index]);
  }
  return spans;
}

/** Pages go from the newest entry to the oldest, and a cursor says from where: one is made for the end of the span. */
async function entriesOf(
  api: Pick<ServerApi, 'json'>,
  trail: string,
  [first, last]: Span,
): Promise<readonly StoredEntry[]> {
  const cursor = encodeCursor({ digest: queryDigest(trail, all), index: last + 1, nowMs: 0 });
  const { events } = await api.json<EventPage>('GET', 'v1/events', {
    ...{ trail, cursor },
    limit: String(last - first + 1),
  });
  return events;
}

/** What was asked for, or undefined where the server refuses it. */
async function ifAllowed<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof SealtrailError && interruptionOf(error) === undefined) return undefined;
    throw error;
  }
}
