import { SealtrailError } from '../errors.ts';
import { canonicalJson, hasCanonicalOrder } from './canonical.ts';
import { compileSchema, NOT_SURE } from './compile-schema.ts';
import { type Event, eventSchema, type JsonValue, parseTime, SCHEMA_VERSION } from './event.ts';
import { parseObject, validated, type Wording } from './json-object.ts';
import { eventLimits } from './limits.ts';
import { isPlainJson } from './plain-value.ts';
import { type ScannedValue, scanWhole } from './scan.ts';

const event: Wording = {
  whole: 'event',
  code: 'invalid_event',
  unknownField: 'unknown field; put what the schema does not name into metadata',
};

/**
 * Parses and validates one event as reported. Attacker-controlled input; `scanned` has bounded its structure. Without
 * it the bytes are one event and nothing else.
 *
 * @throws SealtrailError invalid_utf8 | malformed_json | duplicate_key | invalid_event | entry_too_large, with the
 *   places in `details`; messages hold no values
 */
export function parseEvent(bytes: Uint8Array, scanned: ScannedValue = scanWhole(bytes)): Event {
  if (scanned.end - scanned.start > 2 * eventLimits.entryBytes) throw tooLarge();
  return validateEvent(parseObject(bytes, scanned, event));
}

/**
 * Validates an event that is a value of this process, not text. It says the same as {@link parseEvent} says of the JSON
 * text of the value. What the event returned shares with the value must not change until the event has been encoded.
 *
 * @throws SealtrailError as {@link parseEvent}; invalid_event also for what has no JSON text
 */
export function eventOfValue(value: unknown): Event {
  if (isPlainJson(value)) {
    const event = readEvent(value);
    if (event !== NOT_SURE) return event;
  }
  return parseEvent(new TextEncoder().encode(jsonText(value)));
}

function jsonText(value: unknown): string {
  try {
    // Of undefined and of functions there is no text: the parser then says that it expected an object.
    return JSON.stringify(value) ?? 'null';
  } catch (cause) {
    // A cycle, a bigint, a failing toJSON.
    throw new SealtrailError('invalid_event', 'expected a value that JSON can write', { cause });
  }
}

const readEvent = /* @__PURE__ */ compileSchema(eventSchema);

/** The schema's verdict on parsed JSON whose structure has been looked at. */
function validateEvent(value: unknown): Event {
  const read = readEvent(value);
  if (read !== NOT_SURE) return read;
  return validated(eventSchema, value, event);
}

/** The error for an event that does not fit an entry. */
export function tooLarge(): SealtrailError {
  return new SealtrailError(
    'entry_too_large',
    `expected an entry of at most ${eventLimits.entryBytes} bytes in canonical form`,
  );
}

/** What the server adds to an event before it has a receive time. */
export interface EntryDefaults {
  readonly id: string;
  /** Milliseconds since 1970; for events without a time. */
  readonly nowMs: number;
  readonly trail: string;
  readonly tenant?: string | undefined;
}

/** The text of an entry to be, in which its receive time is still a placeholder. */
export interface EntryText {
  /** Canonical JSON (RFC 8785). */
  readonly text: string;
  /** Where the receive time stands in it, in UTF-16 code units. */
  readonly receivedAt: number;
}

/** Stands for a receive time, and is as long as one: `2026-01-31T09:30:00.000Z`. */
const receivedAtPlaceholder = '0000-00-00T00:00:00.000Z';
const receivedAtMember = '"receivedAt":"';

/**
 * Canonical text (RFC 8785) of the entry that a validated event becomes. `JSON.stringify` writes members in the order of
 * creation, and this literal and the schema name them in canonical order; only free-form JSON (metadata, changes) may
 * need sorting.
 */
export function entryText(event: Event, defaults: EntryDefaults): EntryText {
  const entry = {
    action: event.action,
    actor: event.actor,
    category: event.category,
    changes: event.changes,
    context: event.context,
    id: event.id === undefined ? defaults.id : event.id.toLowerCase(),
    metadata: event.metadata,
    outcome: event.outcome,
    producer: event.producer,
    reason: event.reason,
    receivedAt: receivedAtPlaceholder,
    schemaVersion: SCHEMA_VERSION,
    severity: event.severity,
    source: event.source,
    targets: event.targets,
    tenant: event.tenant ?? defaults.tenant,
    time: event.time === undefined ? new Date(defaults.nowMs).toISOString() : utcTime(event.time),
    trail: event.trail ?? defaults.trail,
  };
  const isCanonical = hasCanonicalOrder(event.metadata) && hasCanonicalOrder(event.changes);
  const text = isCanonical ? JSON.stringify(entry) : canonicalJson(entry as unknown as JsonValue);
  // The last one: no member after it has this name, and within a text its quotes would be escaped.
  return { text, receivedAt: text.lastIndexOf(receivedAtMember) + receivedAtMember.length };
}

/** A valid RFC 3339 time in UTC with milliseconds, as entries hold it. */
function utcTime(text: string): string {
  const isStoredForm =
    text.length === receivedAtPlaceholder.length &&
    text.charCodeAt(23) === 0x5a &&
    text.charCodeAt(10) === 0x54;
  return isStoredForm ? text : new Date(parseTime(text)!).toISOString();
}
