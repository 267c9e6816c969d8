import type { Event, JsonValue } from '@sealtrail/core';

/** A member of an object in a text that is no JSON as a whole. */
const member = /"((?:[^"\\]|\\.){1,128})"\s*:\s*"((?:[^"\\]|\\.)*)"/g;

/**
 * The text of a record that became no entry, without what redaction removes from entries: by what it says where it is JSON,
 * and otherwise by what can be made out in it.
 *
 * @param redact redacts an event
 */
export function redactedText(redact: (event: Event) => Event, text: string): string {
  const redacted = (value: JsonValue): JsonValue =>
    redact({ action: 'dead_letter', metadata: { value } }).metadata!['value'] as JsonValue;
  const record = jsonOf(text);
  if (record !== undefined) {
    const left = redacted(record);
    return JSON.stringify(left) === JSON.stringify(record) ? text : JSON.stringify(left);
  }
  const named = text.replace(member, (whole, name: string, value: string) => {
    const left = (redacted({ [name]: value }) as Record<string, JsonValue>)[name];
    return left === value || left === undefined ? whole : `${JSON.stringify(name)}:${JSON.stringify(left)}`;
  });
  return redacted(named) as string;
}

function jsonOf(text: string): JsonValue | undefined {
  try {
    const value = JSON.parse(text) as JsonValue;
    return typeof value === 'object' ? value : undefined;
  } catch {
    return undefined;
  }
}
