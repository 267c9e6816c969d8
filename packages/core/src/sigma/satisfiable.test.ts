import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Condition, parseCondition } from './condition.ts';
import { canHold, holdsForNothing } from './satisfiable.ts';

const names = ['a', 'b', 'c', 'd'];

const { condition: anyCondition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 5 },
    fc.record({ op: fc.constant('is' as const), name: fc.constantFrom(...names) }),
    fc.record({ op: fc.constant('not' as const), part: tie('condition') }),
    fc.record({
      op: fc.constantFrom('and' as const, 'or' as const),
      parts: fc.array(tie('condition'), { minLength: 1, maxLength: 4 }),
    }),
  ),
}));

function holds(condition: Condition, known: ReadonlySet<string>): boolean {
  switch (condition.op) {
    case 'is':
      return known.has(condition.name);
    case 'not':
      return !holds(condition.part, known);
    case 'and':
      return condition.parts.every((part) => holds(part, known));
    case 'or':
      return condition.parts.some((part) => holds(part, known));
  }
}

const choices = Array.from(
  { length: 2 ** names.length },
  (_, bits) => new Set(names.filter((_name, i) => (bits >> i) % 2 === 1)),
);

it('says of a condition what trying all choices says', () => {
  fc.assert(
    fc.property(anyCondition, (condition) => {
      expect(canHold(condition)).toBe(choices.some((known) => holds(condition, known)));
      expect(holdsForNothing(condition)).toBe(holds(condition, new Set()));
    }),
    { numRuns: 500 },
  );
});

it('leaves it open for conditions that take too long', () => {
  // Of 9 pigeons in 8 holes no two share one: nobody tells that quickly by trying.
  const inHole = (pigeon: number, hole: number): string => `p${pigeon}h${hole}`;
  const pigeons = Array.from({ length: 9 }, (_, i) => i);
  const holes = Array.from({ length: 8 }, (_, i) => i);
  const all = pigeons.map((pigeon) => `(${holes.map((hole) => inHole(pigeon, hole)).join(' or ')})`);
  const none = holes.flatMap((hole) =>
    pigeons.slice(1).map((pigeon) => `not (${inHole(pigeon, hole)} and ${inHole(pigeon - 1, hole)})`),
  );
  const known = pigeons.flatMap((pigeon) => holes.map((hole) => inHole(pigeon, hole)));
  expect(canHold(parseCondition([...all, ...none].join(' and '), known))).toBe(true);
});
