import type { Problem } from '@sealtrail/core';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Answer } from './server.ts';

type Json = Record<string, unknown>;

/** What the API document says of one method at one address. */
export interface Operation {
  readonly operationId?: string;
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Json }>>;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Json }>> };
  readonly security?: readonly Json[];
}

export interface ApiPaths {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** `/openapi.json` as those who generate clients from it take it: what does not fit its schemas is refused. */
export class ApiDocument {
  readonly operations: ReadonlyMap<string, Operation>;
  readonly #ajv: Ajv2020;

  constructor(document: ApiPaths) {
    this.#ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: true });
    addFormats.default(this.#ajv);
    this.#ajv.addFormat('binary', true);
    // What stands beside the keywords of JSON Schema.
    this.#ajv.addVocabulary(['example', ...Object.keys(document)]);
    this.#ajv.addSchema({ ...document, $id: 'openapi' });
    this.operations = new Map(
      Object.entries(document.paths).flatMap(([path, item]) =>
        Object.entries(item).map(
          ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
        ),
      ),
    );
  }

  operation(name: string): Operation {
    const operation = this.operations.get(name);
    if (!operation) throw new Error(`${name} is not in the document`);
    return operation;
  }

  /** What contradicts the document in the answer to a request for an operation. */
  faultsOf(name: string, { status, headers, text }: Answer): readonly string[] {
    const response = this.operation(name).responses[status];
    if (!response) return [`${name}: the status ${status} is not in the document`];
    // An answer without content has none.
    if (response.content === undefined) return text === '' ? [] : [`${name}: ${status} is to be empty`];
    const mediaType = (headers.get('content-type') ?? '').split(';', 1)[0]!;
    if (!Object.hasOwn(response.content ?? {}, mediaType))
      return [`${name}: ${status} is not documented as ${mediaType}`];
    const value: unknown = /[/+]json$/.test(mediaType) ? JSON.parse(text) : text;
    if (mediaType === 'application/problem+json') {
      const { code } = value as Problem;
      if (!response.description.split(', ').includes(code))
        return [`${name}: the code ${code} is not documented for ${status}`];
    }
    const place = ['paths', name.slice(name.indexOf(' ') + 1), name.split(' ', 1)[0]!.toLowerCase()];
    const validate = this.#validator([...place, 'responses', String(status), 'content', mediaType, 'schema']);
    const isJson = /[/+]json$/.test(mediaType);
    return faultsOf(validate, isJson ? JSON.parse(text) : text).map(
      (fault) => `${name}, ${status}: ${fault}`,
    );
  }

  /** What contradicts a schema of the document in a value. */
  faultsIn(schema: string, value: unknown): readonly string[] {
    return faultsOf(this.#validator(['components', 'schemas', schema]), value);
  }

  #validator(place: readonly string[]): ValidateFunction {
    const pointer = place
      .map((key) => key.replaceAll('~', '~0').replaceAll('/', '~1'))
      .map(encodeURIComponent);
    return this.#ajv.getSchema(`openapi#/${pointer.join('/')}`)!;
  }
}

function faultsOf(validate: ValidateFunction, value: unknown): readonly string[] {
  if (validate(value)) return [];
  return validate.errors!.map(({ instancePath, message }) => `${instancePath} ${message}`);
}
