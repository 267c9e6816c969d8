import { normalizeAddress } from '../client-address.ts';
import type { Actor, Context, Event, JsonValue, Source, Target } from '../event/event.ts';
import { actorTypes, categories, outcomes, severities } from '../event/event.ts';
import { eventLimits as limits } from '../event/limits.ts';
import { fieldValues, type RuleEvent } from '../sigma/event-fields.ts';
import { compileConditions, compileExpression, type Read, type Tables } from './expression.ts';
import type { EventMapping, Expression, TargetMapping } from './mapping-schema.ts';

/** An event without what comes from where it is imported to. */
export type MappedEvent = Pick<
  Event,
  | 'action'
  | 'actor'
  | 'category'
  | 'context'
  | 'metadata'
  | 'outcome'
  | 'reason'
  | 'severity'
  | 'source'
  | 'targets'
>;

/**
 * Compiles how a record becomes an event. Whatever is in the record, the event is a valid one: texts are cut to what an
 * event takes, and what is no address, no status or no known word is left out.
 *
 * @returns a function that gives undefined where the record has no action
 * @throws RuleError
 */
export function compileEvent(
  mapping: EventMapping,
  tables: Tables,
): (record: RuleEvent) => MappedEvent | undefined {
  const compile = (expression: Expression | undefined): Read =>
    expression === undefined ? () => undefined : compileExpression(expression, tables);
  const short = (expression: Expression | undefined): Read => cutTo(limits.shortText, compile(expression));
  const { actor, source, context, targets = [], metadata = {} } = mapping;
  const action = short(mapping.action);
  const category = oneOf(categories, compile(mapping.category));
  const outcome = oneOf(outcomes, compile(mapping.outcome));
  const severity = oneOf(severities, compile(mapping.severity));
  const reason = cutTo(limits.longText, compile(mapping.reason));
  const actorType = oneOf(actorTypes, compile(actor?.type));
  const actorParts = {
    email: compile(actor?.email),
    id: short(actor?.id),
    name: short(actor?.name),
    onBehalfOf: short(actor?.onBehalfOf),
    sessionId: short(actor?.sessionId),
  };
  const readTargets = targets.map((target) => compileTarget(target, tables));
  const sourceParts = {
    ip: compile(source?.ip),
    port: compile(source?.port),
    userAgent: cutTo(limits.path, compile(source?.userAgent)),
  };
  const contextParts = {
    environment: short(context?.environment),
    requestId: short(context?.requestId),
    service: short(context?.service),
    traceId: short(context?.traceId),
  };
  const httpParts = {
    method: cutTo(32, compile(context?.http?.method)),
    path: cutTo(limits.path, compile(context?.http?.path)),
    status: compile(context?.http?.status),
  };
  const metadataParts = Object.entries(metadata).map(
    ([name, expression]) => [name, cutTo(metadataLength, compile(expression))] as const,
  );

  return (record) => {
    const name = action(record);
    if (name === undefined || !actionForm.test(name)) return undefined;
    const type = actorType(record);
    const http = some({
      method: httpParts.method(record),
      path: httpParts.path(record),
      status: integerIn(httpParts.status(record), 100, 599),
    });
    const mappedTargets = readTargets.flatMap((read) => read(record)).slice(0, maxTargets);
    return some({
      action: name,
      actor:
        type &&
        (some({
          email: emailOf(actorParts.email(record)),
          id: actorParts.id(record),
          name: actorParts.name(record),
          onBehalfOf: actorParts.onBehalfOf(record),
          sessionId: actorParts.sessionId(record),
          type,
        }) as Actor),
      category: category(record),
      context: some({
        environment: contextParts.environment(record),
        http,
        requestId: contextParts.requestId(record),
        service: contextParts.service(record),
        traceId: contextParts.traceId(record),
      }) as Context | undefined,
      metadata: some(
        Object.fromEntries(
          metadataParts.map(([key, read]): [string, JsonValue | undefined] => [key, read(record)]),
        ),
      ),
      outcome: outcome(record),
      reason: reason(record),
      severity: severity(record),
      source: some({
        ip: addressOf(sourceParts.ip(record)),
        port: integerIn(sourceParts.port(record), 0, 65_535),
        userAgent: sourceParts.userAgent(record),
      }) as Source | undefined,
      targets: mappedTargets.length > 0 ? mappedTargets : undefined,
    }) as MappedEvent;
  };
}

/** Characters of what has no field of its own. */
const metadataLength = 1024;
/** Fewer than an event may have: the original needs most of the keys. */
const maxTargets = 20;
/** As the schema of events has it. */
const actionForm = /^[A-Za-z0-9][A-Za-z0-9_:/-]*(?:\.[A-Za-z0-9_:/-]+)*$/;

function compileTarget(target: TargetMapping, tables: Tables): (record: RuleEvent) => readonly Target[] {
  const { each } = target;
  const holds = compileConditions(target.when ?? {});
  const type = cutTo(limits.shortText, compileExpression(target.type, tables));
  const part = (expression: Expression | undefined): Read =>
    expression === undefined
      ? () => undefined
      : cutTo(limits.shortText, compileExpression(expression, tables));
  const id = part(target.id);
  const name = part(target.name);
  const read = (record: RuleEvent): readonly Target[] => {
    const names = { id: id(record), name: name(record), type: type(record) };
    // A target that has no name is none.
    return names.type !== undefined && (names.id !== undefined || names.name !== undefined)
      ? [some(names) as Target]
      : [];
  };
  return (record) => {
    if (!holds(record)) return [];
    if (each === undefined) return read(record);
    return (fieldValues(record, each) ?? [])
      .slice(0, maxTargets)
      .flatMap((element) =>
        typeof element === 'object' && element !== null ? read(element as RuleEvent) : [],
      );
  };
}

/** An object of those members that there are, undefined where there is none. */
function some<T extends Readonly<Record<string, unknown>>>(members: T): Partial<T> | undefined {
  const kept = Object.entries(members).filter(([, value]) => value !== undefined);
  return kept.length === 0 ? undefined : (Object.fromEntries(kept) as Partial<T>);
}

/** Texts of a length that an event takes; of what is empty there is none. */
const cutTo =
  (length: number, read: Read): Read =>
  (record) => {
    const text = read(record);
    return text === undefined || text === '' ? undefined : cut(text, length);
  };

/** The beginning of a text, without half a character at its end. */
export const cut = (text: string, length: number): string =>
  (text.length > length ? text.slice(0, length).replace(/[\ud800-\udbff]$/, '') : text).toWellFormed();

function oneOf<Word extends string>(
  words: readonly Word[],
  read: Read,
): (record: RuleEvent) => Word | undefined {
  return (record) => {
    const text = read(record);
    return text === undefined ? undefined : words.find((word) => word === text);
  };
}

const emailOf = (text: string | undefined): string | undefined =>
  text !== undefined && text.length >= 3 && text.length <= limits.email ? text.toWellFormed() : undefined;

const addressOf = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : normalizeAddress(text);

function integerIn(text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined || !/^\d{1,6}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= least && value <= most ? value : undefined;
}
