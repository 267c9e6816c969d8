import { describe, expect, it } from 'vitest';
import { MAX_NUMBERED_TRAILS, ProducerSequences } from './producer-sequences.ts';

describe('ProducerSequences', () => {
  it('numbers each trail by itself, and events without a trail as those of the default one', () => {
    const sequences = new ProducerSequences({ id: 'api', firstSeq: 5 });
    const taken = [undefined, 'web', 'main', 'web', undefined].map((trail) => sequences.next(trail));
    expect(taken).toEqual([5, 5, 6, 6, 7].map((seq) => ({ id: 'api', seq })));
  });

  it('goes on in each trail where it is told to', () => {
    const sequences = new ProducerSequences({ id: 'api', firstSeq: { main: 101, web: 11 } });
    const taken = [undefined, 'web', 'web', 'other'].map((trail) => sequences.next(trail)?.seq);
    expect(taken).toEqual([101, 11, 12, 0]);
  });

  it.each(['Main', '', 'a..b', '__proto__', `${'a'.repeat(65)}`, 7, null, {}])(
    'counts %j, which no trail can be called, in the default trail',
    (trail) => {
      const sequences = new ProducerSequences({ id: 'api', firstSeq: 0 });
      expect([trail, undefined].map((name) => sequences.next(name)?.seq)).toEqual([0, 1]);
    },
  );

  it('knows a bounded number of trails, and goes on in those', () => {
    const sequences = new ProducerSequences({ id: 'api', firstSeq: 0 });
    for (let i = 0; i < MAX_NUMBERED_TRAILS; i++) sequences.next(`t${i}`);
    expect(sequences.next('one-more')).toBeUndefined();
    expect(sequences.next('t0')).toEqual({ id: 'api', seq: 1 });
    expect(sequences.next('one-more')).toBeUndefined();
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53, { main: -1 }, { web: Number.POSITIVE_INFINITY }])(
    'refuses to begin with %j',
    (firstSeq) => {
      expect(() => new ProducerSequences({ id: 'api', firstSeq })).toThrow(
        expect.objectContaining({ code: 'invalid_configuration' }),
      );
    },
  );
});
