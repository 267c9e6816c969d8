/** One instruction of a backtracking machine. */
export type Instruction =
  | { readonly op: 'char'; readonly accepts: (char: string) => boolean }
  | { readonly op: 'assert'; readonly holds: (text: string, at: number) => boolean }
  | { readonly op: 'backreference'; readonly group: number }
  | { readonly op: 'save'; readonly slot: number }
  /** Goes on at `first`, and at `second` when that leads nowhere. */
  | { readonly op: 'split'; readonly first: number; readonly second: number }
  | { readonly op: 'jump'; readonly to: number }
  | { readonly op: 'look'; readonly program: Program; readonly isNegated: boolean; readonly behind?: number }
  | { readonly op: 'end' };
export type Program = readonly Instruction[];

/** A part of an expression: writes its instructions behind those that are there. */
interface Part {
  readonly emit: (program: Instruction[]) => void;
  /** The longest text it matches. */
  readonly maxLength: number;
}

/**
 * The program of an expression. It has the constructs that the patterns of this package use.
 *
 * @throws Error for a construct that is not known here
 */
export function programOf(expression: RegExp): Program {
  return compile(new Parser(expression).parse());
}

const compile = ({ emit }: Part): Program => {
  const program: Instruction[] = [];
  emit(program);
  return [...program, { op: 'end' }];
};

const nothing: Part = { emit: () => {}, maxLength: 0 };

/** Reads the source of an expression, which the engine has found valid. */
class Parser {
  readonly #source: string;
  readonly #flags: string;
  #at = 0;
  #groups = 0;

  constructor({ source, flags }: RegExp) {
    this.#source = source;
    this.#flags = flags.replace('g', '');
    if (/[^iu]/.test(this.#flags)) throw new Error(`flags ${flags} are not known here`);
  }

  parse(): Part {
    const part = this.#alternatives();
    if (this.#at < this.#source.length) throw new Error(`unexpected text at ${this.#at}`);
    return part;
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #matched(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [text] = pattern.exec(this.#source) ?? [];
    this.#at += text?.length ?? 0;
    return text;
  }

  #alternatives(): Part {
    let left = this.#sequence();
    while (this.#take('|')) {
      const [first, second] = [left, this.#sequence()];
      left = {
        maxLength: Math.max(first.maxLength, second.maxLength),
        emit: (program) => choose(program, first, second),
      };
    }
    return left;
  }

  #sequence(): Part {
    let parts: Part = nothing;
    while (this.#at < this.#source.length && !'|)'.includes(this.#source[this.#at]!)) {
      const [before, next] = [parts, this.#quantified()];
      parts = {
        maxLength: before.maxLength + next.maxLength,
        emit: (program) => {
          before.emit(program);
          next.emit(program);
        },
      };
    }
    return parts;
  }

  #quantified(): Part {
    const part = this.#atom();
    const [written, min, comma, max] =
      /^\{(\d+)(,?)(\d*)\}/.exec(this.#source.slice(this.#at)) ?? ([] as (string | undefined)[]);
    let bounds: readonly [number, number];
    if (this.#take('*')) bounds = [0, Number.POSITIVE_INFINITY];
    else if (this.#take('+')) bounds = [1, Number.POSITIVE_INFINITY];
    else if (this.#take('?')) bounds = [0, 1];
    else if (written === undefined) return part;
    else {
      this.#at += written.length;
      const last = comma === '' ? min : max || Number.POSITIVE_INFINITY;
      bounds = [Number(min), Number(last)];
    }
    return repeated(part, bounds, this.#take('?'));
  }

  #atom(): Part {
    if (this.#take('(?:')) return this.#closed(this.#alternatives());
    if (this.#take('(?=')) return this.#look(false, false);
    if (this.#take('(?!')) return this.#look(true, false);
    if (this.#take('(?<=')) return this.#look(false, true);
    if (this.#take('(?<!')) return this.#look(true, true);
    if (this.#take('(?')) throw new Error(`a group at ${this.#at} is not known here`);
    if (this.#take('(')) {
      const slot = 2 * ++this.#groups;
      const inner = this.#closed(this.#alternatives());
      return {
        maxLength: inner.maxLength,
        emit: (program) => {
          program.push({ op: 'save', slot });
          inner.emit(program);
          program.push({ op: 'save', slot: slot + 1 });
        },
      };
    }
    if (this.#take('\\b')) return assertion((text, at) => isWordAt(text, at - 1) !== isWordAt(text, at));
    if (this.#take('^')) return assertion((_text, at) => at === 0);
    if (this.#take('$')) return assertion((text, at) => at === text.length);
    const reference = this.#matched(/\\[1-9]/y);
    if (reference !== undefined) {
      const group = Number(reference.slice(1));
      return one({ op: 'backreference', group }, Number.POSITIVE_INFINITY);
    }
    const char = this.#matched(
      /\[(?:[^\]\\]|\\.)*\]|\\p\{\w+\}|\\P\{\w+\}|\\[^\w]|\\[dDwWsSnrt]|[^*+?{}()[\]\\]/y,
    );
    if (char === undefined) throw new Error(`the text at ${this.#at} is not known here`);
    return one({ op: 'char', accepts: classOf(char, this.#flags) }, 1);
  }

  #look(isNegated: boolean, isBehind: boolean): Part {
    const inner = this.#closed(this.#alternatives());
    if (isBehind && inner.maxLength === Number.POSITIVE_INFINITY)
      throw new Error('a look behind has to be bounded');
    const program = compile(inner);
    return one({ op: 'look', program, isNegated, ...(isBehind && { behind: inner.maxLength }) }, 0);
  }

  #closed(part: Part): Part {
    if (!this.#take(')')) throw new Error(`expected ) at ${this.#at}`);
    return part;
  }
}

/** One character, a class or an escape: the engine itself says what belongs to it. */
function classOf(source: string, flags: string): (char: string) => boolean {
  const expression = new RegExp(`^${source}$`, flags);
  const known = new Map<string, boolean>();
  return (char) => {
    let isIn = known.get(char);
    if (isIn === undefined) {
      isIn = expression.test(char);
      known.set(char, isIn);
    }
    return isIn;
  };
}

function one(instruction: Instruction, maxLength: number): Part {
  return { maxLength, emit: (program) => void program.push(instruction) };
}

const assertion = (holds: (text: string, at: number) => boolean): Part => one({ op: 'assert', holds }, 0);

const isWordAt = (text: string, at: number): boolean => /^\w$/.test(text[at] ?? '');

const always: Instruction = { op: 'assert', holds: () => true };

function choose(program: Instruction[], first: Part, second: Part): void {
  const split = program.push(always) - 1;
  first.emit(program);
  const jump = program.push(always) - 1;
  program[split] = { op: 'split', first: split + 1, second: program.length };
  second.emit(program);
  program[jump] = { op: 'jump', to: program.length };
}

function repeated(part: Part, [min, max]: readonly [number, number], isLazy: boolean): Part {
  const split = (into: number, past: number): Instruction =>
    isLazy ? { op: 'split', first: past, second: into } : { op: 'split', first: into, second: past };
  return {
    maxLength: part.maxLength === 0 ? 0 : part.maxLength * max,
    emit: (program) => {
      for (let i = 0; i < min; i++) part.emit(program);
      if (max === Number.POSITIVE_INFINITY) {
        const loop = program.push(always) - 1;
        part.emit(program);
        program.push({ op: 'jump', to: loop });
        program[loop] = split(loop + 1, program.length);
        return;
      }
      const splits: number[] = [];
      for (let i = min; i < max; i++) {
        splits.push(program.push(always) - 1);
        part.emit(program);
      }
      for (const at of splits) program[at] = split(at + 1, program.length);
    },
  };
}
