import { AsyncLocalStorage } from 'node:async_hooks';
import type { Actor, Context, Event, Source } from '@sealtrail/core';

/** Fields of an event that surroundings can supply: what is true of everything that happens in a request or a job. */
export interface RecordContext {
  readonly actor?: Actor | undefined;
  readonly source?: Source | undefined;
  readonly tenant?: string | undefined;
  readonly trail?: string | undefined;
  readonly context?: Context | undefined;
}

/** One level of nesting. Each level refers to the outer one instead of copying it, so a later `setActor` there is seen. */
export interface Scope {
  readonly parent: Scope | undefined;
  readonly values: RecordContext;
  /** Finds the actor when it is needed; must not throw. For requests, whose actor is known only after authentication. */
  readonly findActor?: (() => Actor | undefined) | undefined;
  /** Finds the tenant when it is needed; must not throw. */
  readonly findTenant?: (() => string | undefined) | undefined;
  /** What `setActor` said; it wins over `findActor` and `values`. */
  actor?: Actor | undefined;
}

// The one piece of state of this module. It holds nothing until `withContext` or a capture middleware enters a scope.
const storage = /* @__PURE__ */ new AsyncLocalStorage<Scope>();

/**
 * Runs `fn` such that every event recorded by it, and by whatever it awaits, starts out with these values. Scopes nest:
 * what the inner one leaves out comes from the outer one.
 *
 * @returns what `fn` returns
 */
export function withContext<T>(context: RecordContext, fn: () => T): T {
  return runInScope({ parent: storage.getStore(), values: context }, fn);
}

/**
 * Says who acts from here on in the innermost scope: after a successful sign-in, for example.
 *
 * @returns false when there is no scope to say it in
 */
export function setActor(actor: Actor): boolean {
  const scope = storage.getStore();
  if (!scope) return false;
  scope.actor = actor;
  return true;
}

/** What an event recorded here and now would be filled from, or undefined outside of any scope. */
export function currentContext(): RecordContext | undefined {
  const scope = storage.getStore();
  return scope && resolve(scope);
}

/**
 * The event with what it leaves out taken from the context. Fields of the event win. `actor`, `source`, `tenant` and
 * `trail` are taken as a whole or not at all: half of one actor and half of another would name someone who does not
 * exist. The members of `context` are facts of their own and are filled one by one, except that a span is only taken
 * together with its trace.
 */
export function fillFromContext(event: Event, context: RecordContext | undefined = currentContext()): Event {
  return context ? { ...event, ...fill(event, context) } : event;
}

/** Enters a scope. For adapters of this package; applications use {@link withContext}. */
export function runInScope<T>(scope: Scope, fn: () => T): T {
  return storage.run(scope, fn);
}

/** The innermost scope here, as the parent of a new one. */
export function currentScope(): Scope | undefined {
  return storage.getStore();
}

function resolve(scope: Scope): RecordContext {
  const own = {
    ...scope.values,
    actor: scope.actor ?? scope.findActor?.() ?? scope.values.actor,
    tenant: scope.findTenant?.() ?? scope.values.tenant,
  };
  return scope.parent ? fill(own, resolve(scope.parent)) : own;
}

function fill(own: RecordContext, outer: RecordContext): RecordContext {
  return {
    actor: own.actor ?? outer.actor,
    source: own.source ?? outer.source,
    tenant: own.tenant ?? outer.tenant,
    trail: own.trail ?? outer.trail,
    context: fillContext(own.context, outer.context),
  };
}

function fillContext(own: Context | undefined, outer: Context | undefined): Context | undefined {
  if (!own || !outer) return own ?? outer;
  const isSameTrace = own.traceId === undefined;
  return {
    ...own,
    environment: own.environment ?? outer.environment,
    http: own.http ?? outer.http,
    requestId: own.requestId ?? outer.requestId,
    service: own.service ?? outer.service,
    spanId: own.spanId ?? (isSameTrace ? outer.spanId : undefined),
    traceId: own.traceId ?? outer.traceId,
  };
}
