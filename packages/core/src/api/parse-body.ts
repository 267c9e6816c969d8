import { z } from 'zod';
import type { SealtrailError } from '../errors.ts';
import { faultAt, parseObject, validated, type Wording } from '../event/json-object.ts';
import { scanWhole } from '../event/scan.ts';

const body: Wording = { whole: 'body', code: 'invalid_body', unknownField: 'unknown field' };

/**
 * Parses and validates a request body that is one JSON object, bounded as events are. Attacker-controlled input.
 *
 * @throws SealtrailError invalid_utf8 | malformed_json | duplicate_key | invalid_body, with the places in `details`;
 *   messages hold no values
 */
export function parseBody<Schema extends z.ZodType>(bytes: Uint8Array, schema: Schema): z.output<Schema> {
  // Of several shapes the one that was meant is not known.
  const names = schema instanceof z.ZodObject ? Object.keys(schema.shape) : undefined;
  const wording = names
    ? { ...body, unknownField: `unknown field; expected only ${names.join(', ')}` }
    : body;
  return validated(schema, parseObject(bytes, scanWhole(bytes, body.code), wording), wording);
}

/** The error for one place in a request body that a schema alone cannot judge. */
export const bodyFault = (pointer: string, message: string): SealtrailError =>
  faultAt(body, pointer, message);
