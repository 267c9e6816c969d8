import { actorTypes } from '../event/event.ts';
import { parseYaml, plain } from '../sigma/located.ts';
import { RuleError } from '../sigma/rule-error.ts';
import { constantsOf, type Tables } from './expression.ts';
import { type Expression, mappingSchema, type SourceMapping, words } from './mapping-schema.ts';
import { Source } from './source.ts';

/**
 * Reads a mapping: one document of YAML, in which everything is understood or refused.
 *
 * @throws RuleError with the place, as far as it is known
 */
export function loadMapping(text: string): SourceMapping {
  const [document, further] = parseYaml(text);
  if (document === undefined || further !== undefined) throw new RuleError('expected one document');
  if ('faults' in document) {
    const [fault] = document.faults;
    throw new RuleError(fault!.message, fault);
  }
  const parsed = mappingSchema.safeParse(plain(document.root));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new RuleError(`${issue!.path.map(String).join('.')}: ${issue!.message}`, document.root);
  }
  const mapping = parsed.data;
  for (const kind of mapping.kinds) {
    const { category, outcome, severity, actor } = kind.event;
    assertWords(category, words.category, mapping.tables);
    assertWords(outcome, words.outcome, mapping.tables);
    assertWords(severity, words.severity, mapping.tables);
    assertWords(actor?.type, actorTypes, mapping.tables);
  }
  // What cannot be compiled is said here, and not when the first record comes.
  new Source(mapping);
  return mapping;
}

function assertWords(
  expression: Expression | undefined,
  allowed: readonly string[],
  tables: Tables = {},
): void {
  if (expression === undefined) return;
  const strange = constantsOf(expression, tables).find((text) => !allowed.includes(text));
  if (strange !== undefined) throw new RuleError(`expected one of ${allowed.join(', ')}, got ${strange}`);
}
