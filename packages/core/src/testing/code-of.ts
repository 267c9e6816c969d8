import { type ErrorCode, SealtrailError } from '../errors.ts';

/** The code an action fails with; undefined when it succeeds. Any other error than SealtrailError goes through. */
export function codeOf(action: () => unknown): ErrorCode | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof SealtrailError) return error.code;
    throw error;
  }
}
