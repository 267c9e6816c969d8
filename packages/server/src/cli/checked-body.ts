import { parseBody, SealtrailError } from '@sealtrail/core';
import { jsonBody, type RequestOptions } from './server-api.ts';

/**
 * A body made of arguments, held against the schema that the server has for it: what is wrong with it is bad usage, and
 * no server need be asked.
 *
 * @param what it is about, such as `silence`
 * @throws SealtrailError invalid_parameter, with the places in `details`; it holds no values, which may be secrets
 */
export function checkedBody(
  what: string,
  schema: Parameters<typeof parseBody>[1],
  value: unknown,
): RequestOptions {
  const body = JSON.stringify(value);
  try {
    parseBody(new TextEncoder().encode(body), schema);
  } catch (cause) {
    if (!(cause instanceof SealtrailError)) throw cause;
    const details = cause.details.map((detail) => ({ ...detail, code: 'invalid_parameter' as const }));
    throw new SealtrailError('invalid_parameter', `the arguments make no ${what}`, { cause, details });
  }
  return jsonBody(value);
}
