import { type Event, eventSchema } from '@sealtrail/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRedaction } from './redact.ts';

const sample = (): Event => ({
  action: 'user.update',
  actor: { type: 'user', id: 'ada', email: 'ada@example.test', name: 'Ada' },
  targets: [
    { type: 'user', id: 'bob', name: 'Bob' },
    { type: 'role', id: 'admin' },
  ],
  source: { ip: '192.0.2.1', port: 443, userAgent: 'curl/8' },
  context: { service: 'web', http: { method: 'POST', path: '/reset/abc', status: 200 } },
  changes: [
    { field: 'password', before: 'old', after: 'new' },
    { field: 'address', before: { street: 'a' }, after: { street: 'b' } },
  ],
  metadata: { card: { number: '4111', holder: 'Ada' }, list: [{ pin: 1 }, { pin: 2 }], note: 'n' },
  tenant: 'acme',
  reason: 'asked by mail',
});

function redacted(...paths: string[]): Event {
  const event = sample();
  compileRedaction(paths)(event);
  return event;
}

describe('compileRedaction', () => {
  it.each<[string, (event: Event) => void]>([
    ['actor.email', (event) => Object.assign(event.actor!, { email: '[redacted]' })],
    ['reason', (event) => Object.assign(event, { reason: '[redacted]' })],
    ['context.http.path', (event) => Object.assign(event.context!.http!, { path: '[redacted]' })],
    ['metadata.card', (event) => Object.assign(event.metadata!, { card: '[redacted]' })],
    [
      'metadata.*.number',
      (event) => Object.assign(event.metadata!, { card: { number: '[redacted]', holder: 'Ada' } }),
    ],
    [
      'metadata.list.pin',
      (event) => Object.assign(event.metadata!, { list: [{ pin: '[redacted]' }, { pin: '[redacted]' }] }),
    ],
    ['metadata.list.*', (event) => Object.assign(event.metadata!, { list: ['[redacted]', '[redacted]'] })],
    ['targets.name', (event) => Object.assign(event.targets![0]!, { name: '[redacted]' })],
    ['targets.*.name', (event) => Object.assign(event.targets![0]!, { name: '[redacted]' })],
    [
      'changes.after.street',
      (event) => Object.assign(event.changes![1]!, { after: { street: '[redacted]' } }),
    ],
    ['metadata.absent.name', () => undefined],
  ])('%s', (path, expected) => {
    const event = sample();
    expected(event);
    expect(redacted(path)).toEqual(event);
  });

  it.each(['source.ip', 'source.port', 'context.http.status'])(
    'leaves out %s, which cannot hold a text',
    (path) => {
      const event = redacted(path);
      expect(JSON.stringify(event)).not.toContain('[redacted]');
      expect(event).not.toHaveProperty(path);
    },
  );

  it.each(['actor', 'source', 'metadata', 'changes', 'targets', 'context', 'context.http'])(
    'leaves out the whole of %s',
    (path) => {
      expect(redacted(path)).not.toHaveProperty(path);
    },
  );

  it('a star spares what an event needs', () => {
    expect(redacted('actor.*').actor).toEqual({
      type: 'user',
      id: '[redacted]',
      email: '[redacted]',
      name: '[redacted]',
    });
  });

  it.each([
    'action',
    'id',
    'time',
    'trail',
    'producer.seq',
    '*',
    '*.email',
    '',
    'actor.',
    'actor..email',
    'actor.type',
    'targets.type',
    'targets.*.type',
    'targets.*',
    'changes.*',
    `metadata${'.a'.repeat(16)}`,
  ])('refuses the path %j', (path) => {
    expect(() => compileRedaction([path])).toThrow(
      expect.objectContaining({ code: 'invalid_configuration' }),
    );
  });

  it('leaves a valid event valid, whatever the path', () => {
    const names = [
      'actor',
      'changes',
      'context',
      'http',
      'metadata',
      'source',
      'targets',
      'ip',
      'name',
      'card',
      '*',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 }), (steps) => {
        let event: Event;
        try {
          event = redacted(steps.join('.'));
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_configuration' });
          return;
        }
        expect(eventSchema.safeParse(event).success).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
