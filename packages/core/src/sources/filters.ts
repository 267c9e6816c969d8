import { normalizeAddress } from '../client-address.ts';

/** Makes another text of a text, or nothing where it has none. Total, and linear in the length of the text. */
export type Filter = (text: string) => string | undefined;

/** What logs write where there is nothing to say. */
const nothing = new Set(['', '-', 'null', '(null)', 'none', 'unknown', 'undefined']);

/** What templates can make of a value: `{eventSource|label}`. */
export const filters: Readonly<Record<string, Filter>> = {
  /** A value that says something: `-` and `unknown` do not. */
  known: (text) => (nothing.has(text.toLowerCase()) ? undefined : text),
  lower: (text) => text.toLowerCase(),
  upper: (text) => text.toUpperCase(),
  /** `CreateDBInstance` is `create_db_instance`. */
  snake: (text) =>
    text
      .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
      .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
      .replace(/[^A-Za-z0-9_]+/g, '_')
      .toLowerCase(),
  /** What can stand in an action, whose parts are parted by dots. */
  action: (text) =>
    text
      .replace(/[^A-Za-z0-9_:/.-]+/g, '_')
      .split('.')
      .filter((part) => part !== '')
      .join('.')
      .toLowerCase() || undefined,
  /** `iam.amazonaws.com` is `iam`. */
  label: (text) => text.split('.', 1)[0] || undefined,
  /** `arn:aws:iam::111122223333:user/ada` is `ada`. */
  base: (text) => text.slice(Math.max(text.lastIndexOf('/'), text.lastIndexOf(':')) + 1) || undefined,
  /** Without the version of an API at its end: `ListFunctions20150331`, `UpdateFunctionCode20150331v2`. */
  unversioned: (text) => text.replace(/20\d{6}(?:v\d)?$/, '') || undefined,
  /** An address as events carry it; of what is none, nothing. */
  ip: (text) => normalizeAddress(text),
  /** A name that is an e-mail address. */
  email: (text) => (/^[^\s@]{1,64}@[^\s@]{1,255}$/.test(text) ? text : undefined),
  /** A name that is none. */
  no_email: (text) => (text.includes('@') ? undefined : text),
};
