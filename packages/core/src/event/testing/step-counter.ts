import { type Instruction, type Program, programOf } from './regexp-program.ts';

/**
 * A backtracking matcher that counts what it does: it finds what `RegExp` finds (the tests compare them), by the rules of
 * ECMA-262 section 22.2.2, so that the work for an input is a number and not a time. It knows the constructs that the
 * patterns of this package use, and refuses others.
 */
export interface StepCounter {
  /** All matches in a text, as `text.matchAll` with the flag g, and the steps that took. @throws Error beyond `maxSteps` */
  matchAll(text: string, maxSteps: number): { readonly matches: readonly string[]; readonly steps: number };
}

/** Compiles an expression. @throws Error for a construct that is not known here */
export function countSteps(expression: RegExp): StepCounter {
  const program = programOf(expression);
  return {
    matchAll(text, maxSteps) {
      const run = new Run(text, maxSteps);
      const matches: string[] = [];
      for (let start = 0; start <= text.length; start++) {
        const found = run.match(program, start, []);
        if (!found) continue;
        matches.push(text.slice(start, found.at));
        start = Math.max(start, found.at - 1);
      }
      return { matches, steps: run.steps };
    },
  };
}

interface State {
  readonly pc: number;
  readonly at: number;
  /** Start and end of each group. */
  readonly groups: readonly (number | undefined)[];
}

class Run {
  steps = 0;
  readonly #text: string;
  readonly #maxSteps: number;

  constructor(text: string, maxSteps: number) {
    this.#text = text;
    this.#maxSteps = maxSteps;
  }

  match(program: Program, start: number, groups: State['groups']): State | undefined {
    const untried: State[] = [{ pc: 0, at: start, groups }];
    for (let state = untried.pop(); state; state = untried.pop()) {
      for (let next: State | undefined = state; next; ) {
        if (program[next.pc]!.op === 'end') return next;
        if (++this.steps > this.#maxSteps) throw new Error(`more than ${this.#maxSteps} steps`);
        next = this.#step(program[next.pc]!, next, untried);
      }
    }
    return undefined;
  }

  #step(instruction: Instruction, { pc, at, groups }: State, untried: State[]): State | undefined {
    const text = this.#text;
    switch (instruction.op) {
      case 'char':
        return at < text.length && instruction.accepts(text[at]!)
          ? { pc: pc + 1, at: at + 1, groups }
          : undefined;
      case 'assert':
        return instruction.holds(text, at) ? { pc: pc + 1, at, groups } : undefined;
      case 'save':
        return { pc: pc + 1, at, groups: Object.assign([...groups], { [instruction.slot]: at }) };
      case 'backreference': {
        const [from, to] = groups.slice(2 * instruction.group);
        const captured = text.slice(from, to);
        this.steps += captured.length;
        return text.startsWith(captured, at) ? { pc: pc + 1, at: at + captured.length, groups } : undefined;
      }
      case 'split':
        untried.push({ pc: instruction.second, at, groups });
        return { pc: instruction.first, at, groups };
      case 'jump':
        return { pc: instruction.to, at, groups };
      case 'look': {
        const found = this.#look(instruction, at, groups);
        if (instruction.isNegated) return found ? undefined : { pc: pc + 1, at, groups };
        return found && { pc: pc + 1, at, groups: found.groups };
      }
      case 'end':
        return undefined;
    }
  }

  #look(
    { program, behind }: Instruction & { op: 'look' },
    at: number,
    groups: State['groups'],
  ): State | undefined {
    if (behind === undefined) return this.match(program, at, groups);
    for (let start = at; start >= Math.max(0, at - behind); start--) {
      const found = this.match(program, start, groups);
      if (found?.at === at) return found;
    }
    return undefined;
  }
}
