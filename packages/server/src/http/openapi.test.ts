import { errorKinds, eventSchema, resolveField } from '@sealtrail/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { noDetection } from '../followers/detect/detection-client.ts';
import { createApp } from './app.ts';
import type { HttpParts } from './context.ts';
import { createMetrics } from './metrics.ts';

type Json = Record<string, unknown>;
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Json;
}
interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Json }> };
  readonly responses: Record<
    string,
    { readonly description: string; readonly content?: Record<string, Json> }
  >;
  readonly security?: readonly Record<string, readonly string[]>[];
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: {
    readonly schemas: Record<string, Json>;
    readonly securitySchemes: Record<string, Json>;
  };
  readonly security: readonly Record<string, readonly string[]>[];
}

const none = (): number => 0;
// Nothing of the engine is needed to describe the API.
const app = createApp({
  version: '1.2.3',
  metrics: createMetrics({
    ...{ queuedBytes: none, entries: none, indexedEntries: none },
    detection: () => noDetection.counts,
    isDetecting: () => false,
    witnesses: () => [],
  }),
  closing: new AbortController().signal,
} as HttpParts);

let document: Document;
let operations: (readonly [name: string, operation: Operation])[];
beforeAll(async () => {
  document = (await (await app.request('/openapi.json')).json()) as Document;
  operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(
      ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
    ),
  );
});

/** Every object in a JSON value, with the path to it. */
function* objectsIn(value: unknown, path = '#'): Generator<readonly [path: string, object: Json]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [path, value as Json];
  for (const [key, member] of Object.entries(value)) yield* objectsIn(member, `${path}/${key}`);
}

describe('the API document', () => {
  it('has the frame that OpenAPI 3.1 asks for', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: 'Sealtrail', version: '1.2.3' });
    for (const name of Object.keys(document.components.schemas)) expect(name).toMatch(/^[A-Za-z0-9._-]+$/);
    for (const path of Object.keys(document.paths)) expect(path).toMatch(/^\//);
    for (const [name] of operations) expect(name).toMatch(/^(?:GET|POST|PUT|PATCH|DELETE) /);
  });

  it('refers to nothing that is not there', () => {
    for (const [path, object] of objectsIn(document)) {
      if (typeof object['$ref'] !== 'string') continue;
      const [, section, kind, name] = object['$ref'].split('/');
      expect([section, kind, path]).toEqual(['components', 'schemas', path]);
      expect(document.components.schemas).toHaveProperty([name!]);
    }
    for (const requirement of [
      ...document.security,
      ...operations.flatMap(([, { security = [] }]) => security),
    ])
      for (const name of Object.keys(requirement))
        expect(document.components.securitySchemes).toHaveProperty(name);
  });

  it('describes each answer of each operation', () => {
    for (const [name, { summary, responses }] of operations) {
      expect([name, summary]).toEqual([name, expect.stringMatching(/\S/)]);
      const statuses = Object.keys(responses);
      expect([name, statuses.some((status) => /^2\d\d$/.test(status))]).toEqual([name, true]);
      for (const [status, { description, content }] of Object.entries(responses)) {
        expect(status).toMatch(/^[1-5]\d\d$/);
        expect(description).toMatch(/\S/);
        if (Number(status) >= 400 && name !== 'GET /readyz')
          expect([name, Object.keys(content ?? {})]).toEqual([name, ['application/problem+json']]);
      }
    }
  });

  it('calls each operation by the name that generated clients have for it', () => {
    // Clients are written against these names: none of them ever changes.
    expect(Object.fromEntries(operations.map(([name, { operationId }]) => [name, operationId]))).toEqual({
      'POST /v1/events': 'recordEvents',
      'GET /v1/events': 'searchEvents',
      'GET /v1/stats': 'countEvents',
      'GET /v1/events/stream': 'followEvents',
      'GET /v1/events/{id}': 'getEvent',
      'GET /v1/events/{id}/proof': 'proveEvent',
      'POST /v1/sources/{name}': 'importRecords',
      'GET /v1/sources/{name}/dead-letters': 'listDeadLetters',
      'DELETE /v1/sources/{name}/dead-letters': 'deleteDeadLetters',
      'GET /v1/trails': 'listTrails',
      'POST /v1/trails': 'createTrail',
      'GET /v1/trails/{trail}/producers': 'listProducers',
      'GET /v1/tokens': 'listTokens',
      'POST /v1/tokens': 'createToken',
      'DELETE /v1/tokens/{id}': 'revokeToken',
      'GET /v1/alerts': 'listAlerts',
      'GET /v1/alerts/stats': 'countAlerts',
      'GET /v1/alerts/stream': 'followAlerts',
      'GET /v1/alerts/{id}': 'getAlert',
      'POST /v1/alerts/{id}': 'actOnAlert',
      'GET /v1/silences': 'listSilences',
      'POST /v1/silences': 'createSilence',
      'DELETE /v1/silences/{id}': 'endSilence',
      'GET /v1/channels': 'listChannels',
      'POST /v1/channels': 'createChannel',
      'GET /v1/channels/{id}': 'getChannel',
      'PUT /v1/channels/{id}': 'updateChannel',
      'DELETE /v1/channels/{id}': 'removeChannel',
      'POST /v1/channels/{id}/test': 'testChannel',
      'POST /v1/channels/{id}/rotate': 'rotateChannelSecret',
      'GET /v1/channels/{id}/dead-letters': 'listChannelDeadLetters',
      'DELETE /v1/channels/{id}/dead-letters': 'discardChannelDeadLetters',
      'DELETE /v1/channels/{id}/dead-letters/{letter}': 'discardChannelDeadLetter',
      'POST /v1/channels/{id}/dead-letters/retry': 'retryChannelDeadLetters',
      'GET /v1/detection': 'getDetection',
      'POST /v1/detection/backfill': 'backfillDetection',
      'GET /v1/rules': 'listRules',
      'POST /v1/rules': 'createRules',
      'POST /v1/rules/validate': 'validateRules',
      'GET /v1/rules/{key}': 'getRule',
      'PUT /v1/rules/{key}': 'replaceRules',
      'DELETE /v1/rules/{key}': 'removeRules',
      'POST /v1/rules/{key}/enable': 'enableRule',
      'POST /v1/rules/{key}/disable': 'disableRule',
      'POST /v1/rules/{key}/backtest': 'backtestRule',
      'GET /trails/{trail}/checkpoint': 'getCheckpoint',
      'GET /trails/{trail}/tile/{path}': 'getTile',
      'GET /healthz': 'getHealth',
      'GET /readyz': 'getReadiness',
      'GET /metrics': 'getMetrics',
      'GET /openapi.json': 'getApiDocument',
    });
    const ids = operations.map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('says of each operation what is refused before there is a route, and which codes an answer has', () => {
    for (const [name, { responses }] of operations) {
      for (const [status, code] of [
        ['400', 'malformed_request'],
        ['408', 'request_timeout'],
        ['431', 'headers_too_large'],
        ['500', 'internal'],
      ] as const)
        expect([name, responses[status]?.description.split(', ')]).toEqual([
          name,
          expect.arrayContaining([code]),
        ]);
      for (const [status, { description, content }] of Object.entries(responses)) {
        if (!content?.['application/problem+json']) continue;
        const codes = description.split(', ') as (keyof typeof errorKinds)[];
        for (const code of codes)
          expect([name, code, errorKinds[code]?.status]).toEqual([name, code, Number(status)]);
        expect(new Set(codes).size).toBe(codes.length);
      }
    }
  });

  it('declares each parameter once, and those of the path as required', () => {
    for (const [name, { parameters = [] }] of operations) {
      const keys = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      expect([name, new Set(keys).size]).toEqual([name, keys.length]);
      const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
      const declared = parameters.filter((parameter) => parameter.in === 'path');
      expect([name, declared.map((parameter) => parameter.name).sort()]).toEqual([name, inPath.sort()]);
      for (const parameter of declared) expect(parameter.required).toBe(true);
      for (const { schema } of parameters) expect(schema).toBeTypeOf('object');
    }
  });

  it('has schemas in the dialect of JSON Schema 2020-12', () => {
    const types = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'];
    for (const [path, schema] of objectsIn(document.components.schemas)) {
      if (/\/(?:properties|\$defs|default|example)$/.test(path)) continue;
      const { type, required, properties, pattern } = schema;
      expect([path, 'nullable' in schema]).toEqual([path, false]);
      for (const one of type === undefined || (typeof type === 'object' && !Array.isArray(type))
        ? []
        : [type].flat())
        expect([path, types]).toEqual([path, expect.arrayContaining([one])]);
      for (const bound of [
        'exclusiveMinimum',
        'exclusiveMaximum',
        'minimum',
        'maximum',
        'minLength',
        'maxLength',
      ])
        if (bound in schema) expect([path, bound, typeof schema[bound]]).toEqual([path, bound, 'number']);
      if (Array.isArray(required))
        expect(Object.keys(properties ?? {})).toEqual(expect.arrayContaining(required));
      if (typeof pattern === 'string') {
        expect(() => new RegExp(pattern, 'u')).not.toThrow();
        // A flag of the expression it came from would be part of the pattern.
        expect([path, pattern]).toEqual([path, expect.stringMatching(/^\^.*\$$/)]);
      }
    }
  });

  it('names every route of the application, and no other', () => {
    const routes = app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replace('*', '{path}').replaceAll(/:(\w+)/g, '{$1}')}`);
    expect(operations.map(([name]) => name).sort()).toEqual([...new Set(routes)].sort());
  });

  it('asks for a token everywhere but at the routes that are public', () => {
    expect(document.security).toEqual([{ bearer: [] }]);
    const free = operations
      .filter(([, { security }]) => security)
      .map(([name, { security }]) => [name, security]);
    expect(free.sort()).toEqual([
      ['GET /healthz', []],
      ['GET /openapi.json', []],
      ['GET /readyz', []],
    ]);
    for (const [name, { responses, security }] of operations)
      expect([name, '401' in responses]).toEqual([name, security === undefined]);
  });

  it('lists every error code', () => {
    const { properties } = document.components.schemas['Problem'] as {
      properties: { code: { enum: string[] } };
    };
    expect(properties.code.enum).toEqual(Object.keys(errorKinds));
  });

  it('says what a failed report of events tells about those that are stored', () => {
    const { responses } = document.paths['/v1/events']!['post']!;
    const problems = Object.entries(responses).filter(([status]) => Number(status) >= 400);
    for (const [, { content }] of problems)
      expect(content!['application/problem+json']!['schema']).toEqual({
        $ref: '#/components/schemas/IngestProblem',
      });
    const own = propertiesOf(document.components.schemas['IngestProblem']!, document.components.schemas);
    expect(own).toHaveProperty(['/receipts/*/leafHash']);
    expect(own).toHaveProperty(['/decided']);
    expect(own).toHaveProperty(['/code']);
  });

  it('documents as search parameters only fields there are', () => {
    const own = ['trail', 'q', 'since', 'until', 'after', 'limit', 'cursor', 'field', 'interval', 'from'];
    for (const path of ['/v1/events', '/v1/stats', '/v1/events/stream']) {
      const names = (document.paths[path]!['get']!.parameters ?? [])
        .filter((parameter) => parameter.in === 'query')
        .map(({ name }) => name);
      expect(names).toEqual(
        expect.arrayContaining(['actor.id', 'source.ip', 'context.http.status', 'q', 'trail']),
      );
      for (const name of names) expect(own.includes(name) || resolveField(name) !== undefined).toBe(true);
    }
  });
});

/** Names of all properties in a schema, by path, with what they refer to. */
function propertiesOf(schema: Json, definitions: Record<string, Json>, path = ''): Record<string, unknown> {
  const reference = typeof schema['$ref'] === 'string' ? schema['$ref'].split('/').at(-1)! : undefined;
  const target = reference === undefined ? schema : definitions[reference]!;
  const {
    properties = {},
    items,
    required,
    additionalProperties,
  } = target as {
    properties?: Record<string, Json>;
    items?: Json;
    required?: string[];
    additionalProperties?: unknown;
  };
  const own = Object.entries(properties).map(([name, member]) =>
    propertiesOf(member, definitions, `${path}/${name}`),
  );
  return Object.assign(
    { [path]: { required: [...(required ?? [])].sort(), isStrict: additionalProperties === false } },
    ...own,
    items ? propertiesOf(items, definitions, `${path}/*`) : {},
  );
}

describe('the schema Event of the API document', () => {
  it('is that of the validator, field by field', () => {
    const { $defs = {}, ...derived } = z.toJSONSchema(eventSchema, { io: 'input' }) as Json & {
      $defs?: Record<string, Json>;
    };
    const documented = propertiesOf(document.components.schemas['Event']!, document.components.schemas);
    expect(documented).toEqual(propertiesOf(derived, $defs));
    for (const name of Object.keys(eventSchema.shape)) expect(documented).toHaveProperty([`/${name}`]);
  });

  it('is what POST /v1/events takes', () => {
    const content = document.paths['/v1/events']!['post']!.requestBody!.content;
    expect(content['application/json']!.schema).toEqual({
      anyOf: [
        { $ref: '#/components/schemas/Event' },
        { type: 'array', items: { $ref: '#/components/schemas/Event' } },
      ],
    });
    expect(content['application/x-ndjson']!.schema).toEqual({ $ref: '#/components/schemas/Event' });
  });
});
