import { describe, expect, it } from 'vitest';
import { StreamPlaces, streamLimits } from './stream-places.ts';

const full = expect.objectContaining({ code: 'too_many_streams', retryAfterSeconds: 30 });

describe('StreamPlaces', () => {
  it('leaves places to others when a token has taken all of its own', () => {
    const places = new StreamPlaces();
    for (let i = 0; i < streamLimits.aToken; i++) places.take('greedy');
    expect(() => places.take('greedy')).toThrow(full);
    expect(() => places.take('other')).not.toThrow();
  });

  it('has no more than all', () => {
    const places = new StreamPlaces();
    for (let i = 0; i < streamLimits.all; i++) places.take(`token ${i}`);
    expect(() => places.take('one more')).toThrow(full);
  });

  it('takes back what is freed, of the token and of all', () => {
    const places = new StreamPlaces();
    const frees = Array.from({ length: streamLimits.all }, (_, i) => places.take(`token ${i % 4}`));
    expect(() => places.take('other')).toThrow(full);
    frees[0]!();
    expect(() => places.take('token 1')).toThrow(full);
    const free = places.take('token 0');
    expect(() => places.take('token 0')).toThrow(full);
    free();
    for (const again of frees.slice(1)) again();
    for (let i = 0; i < streamLimits.aToken; i++) places.take('token 2');
    expect(() => places.take('token 2')).toThrow(full);
  });
});
