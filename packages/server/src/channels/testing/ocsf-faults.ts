interface Attribute {
  readonly requirement?: string;
  readonly profiles?: readonly string[] | null;
  readonly is_array?: boolean;
  readonly type: string;
  readonly object_type?: string;
  readonly enum?: Readonly<Record<string, string>>;
}

interface Definition {
  readonly uid?: number;
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly constraints?: { readonly at_least_one?: readonly string[]; readonly just_one?: readonly string[] };
}

/** A compiled OCSF schema. */
export interface OcsfSchema {
  readonly classes: Readonly<Record<string, Definition>>;
  readonly objects: Readonly<Record<string, Definition>>;
}

type Json = Readonly<Record<string, unknown>>;

/** What is wrong with an event by a schema: attributes required or unknown, of other profiles, arrays, enums, constraints. */
export function faultsOf(schema: OcsfSchema, event: Json): string[] {
  const profiles = new Set((event['metadata'] as { profiles?: string[] }).profiles ?? []);
  const faults: string[] = [];
  const inProfiles = ({ profiles: own }: Attribute): boolean =>
    !own || own.length === 0 || own.some((profile) => profiles.has(profile));

  const check = ({ attributes, constraints }: Definition, value: Json, path: string): void => {
    for (const [name, attribute] of Object.entries(attributes))
      if (attribute.requirement === 'required' && inProfiles(attribute) && !(name in value))
        faults.push(`${path}.${name} is missing`);
    for (const [name, held] of Object.entries(value)) {
      const attribute = attributes[name];
      if (!attribute) faults.push(`${path}.${name} is unknown`);
      else if (!inProfiles(attribute)) faults.push(`${path}.${name} is of another profile`);
      else if (Array.isArray(held) !== (attribute.is_array === true))
        faults.push(`${path}.${name} is no array or one`);
      else for (const one of Array.isArray(held) ? held : [held]) checkOne(attribute, one, `${path}.${name}`);
    }
    const count = (names: readonly string[]): number => names.filter((name) => name in value).length;
    if (constraints?.at_least_one && count(constraints.at_least_one) < 1) faults.push(`${path} is empty`);
    if (constraints?.just_one && count(constraints.just_one) !== 1) faults.push(`${path} needs just one`);
  };
  const checkOne = (attribute: Attribute, value: unknown, path: string): void => {
    const object = attribute.object_type === undefined ? undefined : schema.objects[attribute.object_type];
    if (object && attribute.object_type !== 'object') check(object, value as Json, path);
    if (attribute.enum && !(String(value) in attribute.enum)) faults.push(`${path} is not of the enum`);
    if (/^(?:integer|long|timestamp)_t$/.test(attribute.type) && !Number.isInteger(value))
      faults.push(`${path} is no whole number`);
    if (attribute.type === 'string_t' && typeof value !== 'string') faults.push(`${path} is no string`);
  };

  const found = Object.values(schema.classes).find(({ uid }) => uid === event['class_uid']);
  if (!found) return ['the class is unknown'];
  check(found, event, '$');
  return faults;
}
