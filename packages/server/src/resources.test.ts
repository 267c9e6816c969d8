import { describe, expect, it } from 'vitest';
import { AsyncResources, Resources } from './resources.ts';

type Either = Resources | AsyncResources;

/** Closes in one of the two ways, whatever is tested. */
const close = async (resources: Either): Promise<void> => {
  if (resources instanceof Resources) resources[Symbol.dispose]();
  else await resources[Symbol.asyncDispose]();
};

describe.each<[string, () => Either]>([
  ['Resources', () => new Resources()],
  ['AsyncResources', () => new AsyncResources()],
])('%s', (_name, create) => {
  it('closes the last one first, and everything once', async () => {
    const closed: string[] = [];
    const resources = create();
    const first: Disposable = { [Symbol.dispose]: () => void closed.push('first') };
    if (resources instanceof Resources) resources.use(first);
    else resources.use(first);
    resources.defer(() => void closed.push('second'));
    await close(resources);
    await close(resources);
    expect(closed).toEqual(['second', 'first']);
  });

  it('closes all, also when some fail, and says so', async () => {
    const closed: string[] = [];
    const fail = (): void => {
      throw new Error('does not close');
    };
    const one = create();
    one.defer(() => void closed.push('one'));
    one.defer(fail);
    await expect(close(one)).rejects.toThrow('does not close');
    const several = create();
    several.defer(fail);
    several.defer(() => void closed.push('several'));
    several.defer(fail);
    await expect(close(several)).rejects.toThrow(AggregateError);
    expect(closed).toEqual(['one', 'several']);
  });

  it('closes nothing that was handed over', async () => {
    const closed: string[] = [];
    const resources = create();
    resources.defer(() => void closed.push('moved'));
    const moved = resources.move();
    await close(resources);
    expect(closed).toEqual([]);
    await close(moved);
    expect(closed).toEqual(['moved']);
  });
});

describe('AsyncResources', () => {
  it('waits for one to be closed before it closes the next', async () => {
    const closed: string[] = [];
    const resources = new AsyncResources();
    resources.defer(() => void closed.push('first'));
    resources.use({
      [Symbol.asyncDispose]: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        closed.push('second');
      },
    });
    await resources[Symbol.asyncDispose]();
    expect(closed).toEqual(['second', 'first']);
  });
});
