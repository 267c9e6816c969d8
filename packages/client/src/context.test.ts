import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Event } from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import { currentContext, fillFromContext, runInScope, setActor, withContext } from './context.ts';

const ada = { type: 'user', id: 'ada', email: 'ada@example.test' } as const;
const bob = { type: 'user', id: 'bob' } as const;

describe('withContext', () => {
  it('is there for what is awaited inside, and gone outside', async () => {
    const inside = await withContext({ actor: ada }, async () => {
      await nextTurn();
      return currentContext()?.actor;
    });
    expect(inside).toEqual(ada);
    expect(currentContext()).toBeUndefined();
  });

  it('keeps parallel contexts apart', async () => {
    const ids = ['a', 'b', 'c'];
    const seen = ids.map((tenant) =>
      withContext({ tenant }, async () => {
        await nextTurn();
        return currentContext()?.tenant;
      }),
    );
    expect(await Promise.all(seen)).toEqual(ids);
  });

  it('an inner context takes from the outer one what it leaves out', () => {
    const context = withContext({ actor: ada, tenant: 't', context: { requestId: 'r1', service: 's' } }, () =>
      withContext({ tenant: 'u', context: { requestId: 'r2' } }, currentContext),
    );
    expect(context).toMatchObject({ actor: ada, tenant: 'u', context: { requestId: 'r2', service: 's' } });
  });
});

describe('setActor', () => {
  it('holds from then on, in the innermost context only', () => {
    withContext({ actor: ada }, () => {
      withContext({}, () => {
        expect(setActor(bob)).toBe(true);
        expect(currentContext()?.actor).toEqual(bob);
      });
      expect(currentContext()?.actor).toEqual(ada);
    });
  });

  it('of an outer context reaches inner ones that say nothing themselves', () => {
    withContext({}, () => {
      const inner = withContext({ tenant: 't' }, () => (): unknown => currentContext()?.actor);
      setActor(bob);
      expect(withContext({ tenant: 't' }, currentContext)?.actor).toEqual(bob);
      expect(inner()).toEqual(bob);
    });
  });

  it('says that there is no context to set it in', () => {
    expect(setActor(ada)).toBe(false);
  });

  it('wins over an actor that is looked up', () => {
    const scope = { parent: undefined, values: {}, findActor: () => ada };
    runInScope(scope, () => {
      expect(currentContext()?.actor).toEqual(ada);
      setActor(bob);
      expect(currentContext()?.actor).toEqual(bob);
    });
  });
});

describe('fillFromContext', () => {
  it('leaves an event alone where there is no context', () => {
    const event = { action: 'a' };
    expect(fillFromContext(event)).toBe(event);
  });

  it('takes actor and source as a whole or not at all', () => {
    const context = { actor: ada, source: { ip: '192.0.2.1', userAgent: 'u' } };
    expect(fillFromContext({ action: 'a', actor: bob, source: { port: 1 } }, context)).toMatchObject({
      actor: bob,
      source: { port: 1 },
    });
    expect(fillFromContext({ action: 'a', actor: undefined }, context).actor).toEqual(ada);
  });

  it('fills the members of context one by one', () => {
    const filled = fillFromContext(
      { action: 'a', context: { service: 'mailer' } },
      { context: { service: 'web', requestId: 'r', http: { method: 'GET' } } },
    );
    expect(filled.context).toEqual({ service: 'mailer', requestId: 'r', http: { method: 'GET' } });
  });

  it('takes a span only together with its trace', () => {
    const filled = fillFromContext(
      { action: 'a', context: { traceId: 't2' } },
      { context: { traceId: 't1', spanId: 's1' } },
    );
    expect(filled.context).toEqual({ traceId: 't2' });
  });

  it('keeps members that it does not know, for the server to refuse', () => {
    const event = { action: 'a', unknown: 1, context: { unknown: 2 } };
    expect(fillFromContext(event as Event, { context: { requestId: 'r' } })).toMatchObject(event);
  });
});
