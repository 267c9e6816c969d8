import type { z } from 'zod';
import { entrySchema } from '../event/event.ts';
import { isDerived } from './derived-fields.ts';
import type { Logsource } from './rule-schema.ts';

/** Fields that a rule for our own events asks for, and no such event can have. */
export function lintOwnFields({ product }: Logsource, fields: Iterable<string>): string[] {
  if (product !== 'sealtrail') return [];
  return [...new Set(fields)]
    .filter((field) => !isDerived(field) && !isIn(entrySchema, field.split('.')))
    .map((field) => `events of the product sealtrail have no field ${field.slice(0, 64)}`);
}

/** Whether a path leads to something that the schema allows. What takes any JSON has every field. */
function isIn(schema: z.core.$ZodType, path: readonly string[]): boolean {
  const [step, ...rest] = path;
  if (step === undefined) return true;
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'optional':
    case 'nonoptional':
      return isIn(def.innerType, path);
    case 'array':
      return isIn(def.element, path);
    case 'object':
      return Object.hasOwn(def.shape, step) && isIn(def.shape[step]!, rest);
    case 'record':
      return isIn(def.valueType, rest);
    case 'unknown':
      return true;
    default:
      return false;
  }
}
