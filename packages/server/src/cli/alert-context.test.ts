import { type Alert, decodeCursor, SealtrailError } from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import { readAlertContext } from './alert-context.ts';
import { Interruption } from './interruption.ts';
import type { Parameters } from './server-api.ts';

/** A server with a trail of a thousand entries, which keeps what it was asked. */
class FakeServer {
  readonly asked: { readonly path: string; readonly parameters: Parameters }[] = [];
  readonly #failure: (path: string) => Error | undefined;

  constructor(failure: (path: string) => Error | undefined = () => undefined) {
    this.#failure = failure;
  }

  json<T>(_method: string, path: string, parameters: Parameters = {}): Promise<T> {
    this.asked.push({ path, parameters });
    const failure = this.#failure(path);
    if (failure !== undefined) return Promise.reject(failure);
    if (path.startsWith('v1/rules/')) return Promise.resolve({ rule: { description: 'why' } } as T);
    const { index } = decodeCursor(parameters['cursor']!);
    const events = Array.from({ length: Number(parameters['limit']) }, (_, n) => ({ index: index - 1 - n }));
    return Promise.resolve({ events, nextCursor: null } as T);
  }

  get pages(): number {
    return this.asked.filter(({ path }) => path === 'v1/events').length;
  }
}

const alertOf = (entries: readonly number[]): Alert =>
  ({ trail: 'main', rule: { key: 'a/b', title: 'x' }, entries }) as unknown as Alert;

describe('what an alert refers to', () => {
  it('is read with a request for entries that lie close together, and nothing else is kept', async () => {
    const server = new FakeServer();
    const { description, entries } = await readAlertContext(server, alertOf([905, 7, 3, 900, 202]));
    expect(description).toBe('why');
    expect(entries.map(({ index }) => index)).toEqual([3, 7, 202, 900, 905]);
    expect(server.pages).toBe(2);
    expect(server.asked[0]!.path).toBe('v1/rules/a%2Fb');
  });

  it('asks for no entries where the alert names none', async () => {
    const server = new FakeServer();
    expect((await readAlertContext(server, alertOf([]))).entries).toEqual([]);
    expect(server.pages).toBe(0);
  });

  it('is left out where the server refuses it', async () => {
    const refusing = new FakeServer(() => new SealtrailError('forbidden'));
    expect(await readAlertContext(refusing, alertOf([1]))).toEqual({ description: undefined, entries: [] });
  });

  it('is not waited for any more when the command is cut short', async () => {
    const interruption = Interruption.by('SIGINT');
    const cut = new FakeServer(() => interruption);
    await expect(readAlertContext(cut, alertOf([1]))).rejects.toBe(interruption);
  });
});
