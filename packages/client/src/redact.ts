import { type Event, SealtrailError } from '@sealtrail/core';

/** What stands in place of a redacted value. */
export const REDACTED = '[redacted]';

const MAX_PATHS = 128;
const MAX_STEPS = 16;

/** Members of an event that a path may start with; the others are what an entry cannot do without. */
const redactable = new Set([
  'actor',
  'changes',
  'context',
  'metadata',
  'reason',
  'source',
  'targets',
  'tenant',
]);

/** Places whose type has no room for a text: they are left out instead. Array positions do not count as steps. */
const textless = new Set([
  'actor',
  'changes',
  'context',
  'context.http',
  'context.http.durationMs',
  'context.http.status',
  'metadata',
  'source',
  'source.ip',
  'source.port',
  'targets',
]);

/** Places that their object cannot do without. */
const required = new Set(['actor.type', 'targets.type', 'changes.field']);

/** Redacts a parsed event in place. */
export type EventRedactor = (event: Event) => void;

/**
 * Compiles field paths such as `actor.email`, `metadata.card.number` or `metadata.*.secret` into a redactor: names
 * separated by dots, `*` for any one name or position; lists are looked through without a step of their own. A value
 * is replaced by the text `[redacted]`, and a field that cannot hold a text (such as `source.ip`) is left out.
 *
 * @throws SealtrailError invalid_configuration for a path that can never apply or that an entry needs
 */
export function compileRedaction(paths: readonly string[]): EventRedactor {
  if (paths.length > MAX_PATHS) throw invalid(`expected at most ${MAX_PATHS} paths, got ${paths.length}`);
  const compiled = paths.map(compilePath);
  return (event) => {
    for (const steps of compiled) redact(event, steps, 0, '');
  };
}

function compilePath(path: string): readonly string[] {
  const steps = path.split('.');
  if (steps.length > MAX_STEPS || steps.includes('')) {
    throw invalid(`expected 1 to ${MAX_STEPS} names separated by dots, got "${path}"`);
  }
  if (!redactable.has(steps[0]!)) {
    throw invalid(`"${path}" must start with one of ${[...redactable].join(', ')}`);
  }
  const place = steps.filter((step) => step !== '*').join('.');
  if (required.has(place)) throw invalid(`"${path}" is a field that an event needs`);
  if ((place === 'targets' || place === 'changes') && steps.length === 2) {
    throw invalid(`"${path}" must go on with the name of a field`);
  }
  return steps;
}

/** `place` is where `holder` stands in the event, without array positions; undefined in free-form JSON. */
function redact(holder: unknown, steps: readonly string[], depth: number, place: string): void {
  if (typeof holder !== 'object' || holder === null) return;
  const step = steps[depth]!;
  if (Array.isArray(holder) && step !== '*') {
    for (const element of holder) redact(element, steps, depth, place);
    return;
  }
  const object = holder as Record<string, unknown>;
  const names = step === '*' ? Object.keys(object) : Object.hasOwn(object, step) ? [step] : [];
  for (const name of names) {
    const below = Array.isArray(holder) ? place : place === '' ? name : `${place}.${name}`;
    if (depth + 1 < steps.length) redact(object[name], steps, depth + 1, below);
    else if (textless.has(below)) delete object[name];
    else if (!required.has(below)) object[name] = REDACTED;
  }
}

function invalid(message: string): SealtrailError {
  return new SealtrailError('invalid_configuration', `redact: ${message}`);
}
