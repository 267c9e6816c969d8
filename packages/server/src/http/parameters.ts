import { parseTimeSpan, SealtrailError } from '@sealtrail/core';
import type { HttpContext } from './context.ts';

/** The parameters of a query string by name. */
export type Parameters = ReadonlyMap<string, string>;

/**
 * Reads the query string, in which every parameter stands at most once.
 *
 * @param names the parameters there are; absent: any
 * @throws SealtrailError invalid_parameter
 */
export function parametersOf(c: HttpContext, names?: readonly string[]): Parameters {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URL(c.req.url).searchParams) {
    if (names && !names.includes(name))
      throw invalid(name, names.length === 0 ? 'expected none' : `expected only ${names.join(', ')}`);
    if (parameters.has(name)) throw invalid(name, 'expected once; write (a OR b) in q for alternatives');
    parameters.set(name, value);
  }
  return parameters;
}

/** A parameter that is a whole number, or undefined when it is absent. @throws SealtrailError invalid_parameter */
export function integer(parameters: Parameters, name: string): number | undefined {
  const text = parameters.get(name);
  if (text === undefined || /^\d{1,16}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw invalid(name, 'expected a whole number');
}

/** A parameter that is one of a few words, or undefined when it is absent. @throws SealtrailError invalid_parameter */
export function oneOf<T extends string>(
  parameters: Parameters,
  name: string,
  words: readonly T[],
): T | undefined {
  const text = parameters.get(name);
  if (text === undefined) return undefined;
  const found = words.find((word) => word === text);
  if (found === undefined) throw invalid(name, `expected one of ${words.join(', ')}`);
  return found;
}

/** A parameter that is a time, or a duration back from now, in milliseconds since 1970. @throws SealtrailError invalid_parameter */
export function timeOf(parameters: Parameters, name: string, nowMs: number): number | undefined {
  const text = parameters.get(name);
  if (text === undefined) return undefined;
  const span = parseTimeSpan(text, nowMs);
  if (span === undefined)
    throw invalid(
      name,
      'expected a time such as 2026-01-31T09:30:00Z, or a duration back from now such as 24h',
    );
  return span.first;
}

const invalid = (name: string, message: string): SealtrailError =>
  new SealtrailError('invalid_parameter', `${name.slice(0, 64)}: ${message}`);
