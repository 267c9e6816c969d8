import type { AgentClassifier } from '../user-agent/agent-classifier.ts';
import { type FieldSource, fieldValues, type RuleEvent } from './event-fields.ts';
import type { Locate, Location } from './locate.ts';
import { RuleError } from './rule-error.ts';

/**
 * Fields that no event has and every rule can ask for: what is known of the user agent and of the address that an event
 * names. They are made when a rule asks for them.
 */
export const derivedFields = [
  'sealtrail.user_agent.kind',
  'sealtrail.user_agent.name',
  'sealtrail.user_agent.family',
  'sealtrail.geo.country',
  'sealtrail.geo.asn',
  'sealtrail.geo.is_anonymous',
] as const;

/** Whether a field is none of the event's own: whoever writes events cannot say what it is. */
export const isDerived = (name: string): boolean => name.startsWith('sealtrail.');

/** Whether a field follows from where an address is. */
export const needsLocation = (name: string): boolean => name.startsWith('sealtrail.geo.');

/** Where the sources that rules are written for have the user agent, and the address that something came from. */
const agentFields = [
  'source.userAgent',
  'cs-user-agent',
  'c-useragent',
  'userAgent',
  'client.userAgent.rawUserAgent',
  'user_agent',
] as const;
const addressFields = [
  'source.ip',
  'c-ip',
  'sourceIPAddress',
  'client.ipAddress',
  'actor_ip',
  'src_ip',
] as const;

/** @throws RuleError for a derived field that there is none of */
export function assertDerived(names: Iterable<string>): void {
  for (const name of names)
    if (isDerived(name) && !derivedFields.some((one) => one === name))
      throw new RuleError(
        `there is no field ${name.slice(0, 64)}; derived ones are ${derivedFields.join(', ')}`,
      );
}

/** The fields of an event that a derived one is made out of, any of which will do. */
export const originsOf = (name: string): readonly string[] =>
  needsLocation(name) ? addressFields : agentFields;

/** Values of fields, with those that are derived. */
export class DerivedFields {
  readonly #classify: AgentClassifier;
  readonly #locate: Locate | undefined;

  /** @param locate undefined: nothing is known of addresses, and fields that follow from them are not there */
  constructor(classify: AgentClassifier, locate: Locate | undefined) {
    this.#classify = classify;
    this.#locate = locate;
  }

  readonly valuesOf: FieldSource = (event, name) => {
    if (!isDerived(name)) return fieldValues(event, name);
    const value = this.#valueOf(event, name as (typeof derivedFields)[number]);
    return value === undefined ? undefined : [value];
  };

  #valueOf(event: RuleEvent, name: (typeof derivedFields)[number]): string | number | boolean | undefined {
    switch (name) {
      case 'sealtrail.user_agent.kind':
        return this.#agentOf(event)?.kind;
      case 'sealtrail.user_agent.name':
        return this.#agentOf(event)?.name;
      case 'sealtrail.user_agent.family':
        return this.#agentOf(event)?.family;
      case 'sealtrail.geo.country':
        return this.#locationOf(event)?.country;
      case 'sealtrail.geo.asn':
        return this.#locationOf(event)?.asn;
      case 'sealtrail.geo.is_anonymous':
        return this.#locationOf(event)?.isAnonymous;
    }
  }

  #agentOf(event: RuleEvent): ReturnType<AgentClassifier> | undefined {
    const text = firstText(event, agentFields);
    return text === undefined ? undefined : this.#classify(text);
  }

  #locationOf(event: RuleEvent): Location | undefined {
    if (this.#locate === undefined) return undefined;
    const address = firstText(event, addressFields);
    return address === undefined ? undefined : this.#locate(address);
  }
}

function firstText(event: RuleEvent, fields: readonly string[]): string | undefined {
  for (const field of fields)
    for (const value of fieldValues(event, field) ?? []) if (typeof value === 'string') return value;
  return undefined;
}
