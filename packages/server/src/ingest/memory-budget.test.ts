import { describe, expect, it } from 'vitest';
import { codeOf } from '../testing/code-of.ts';
import { MemoryBudget } from './memory-budget.ts';

describe('MemoryBudget', () => {
  it('refuses one holder what it leaves for others', () => {
    const budget = new MemoryBudget({ maxBytes: 100, maxHolderBytes: 40 });
    const [a, again, b] = [budget.open('a'), budget.open('a'), budget.open('b')];
    a.add(30);
    expect(codeOf(() => again.add(11))).toBe('overloaded');
    again.add(10);
    b.add(40);
    expect(budget.held).toBe(80);
  });

  it('refuses everybody when all of it is held', () => {
    const budget = new MemoryBudget({ maxBytes: 100, maxHolderBytes: 40 });
    for (const holder of ['a', 'b']) budget.open(holder).add(40);
    const c = budget.open('c');
    expect(codeOf(() => c.add(21))).toBe('overloaded');
    c.add(20);
  });

  it('takes back what a request held, once', () => {
    const budget = new MemoryBudget({ maxBytes: 100, maxHolderBytes: 40 });
    const [first, second] = [budget.open('a'), budget.open('a')];
    first.add(40);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    expect(budget.held).toBe(0);
    second.add(40);
    expect(codeOf(() => second.add(1))).toBe('overloaded');
    second[Symbol.dispose]();
    expect(budget.held).toBe(0);
  });
});
