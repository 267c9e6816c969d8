import { type ErrorCode, SealtrailError } from '@sealtrail/core';

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

/** As {@link codeOf}, for what answers later. */
export async function codeOfPromise(promise: Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    if (error instanceof SealtrailError) return error.code;
    throw error;
  }
}
