import { alertId, SealtrailError } from '@sealtrail/core';

/** The id of an alert, as an argument. @throws SealtrailError invalid_parameter */
export function alertIdOf(text: string): string {
  if (alertId.safeParse(text).success) return text;
  throw new SealtrailError(
    'invalid_parameter',
    `expected the id of an alert, alr_ and 24 hexadecimal digits, got ${text}`,
  );
}
