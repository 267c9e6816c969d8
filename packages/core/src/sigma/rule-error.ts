/** Where something stands in a rule file: from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong with a rule file. */
export interface RuleFault extends Position {
  readonly message: string;
}

/** Ends the reading of a rule: it is refused as a whole, since half a rule would be silent where it should speak. */
export class RuleError extends Error {
  override readonly name = 'RuleError';
  readonly position: Position | undefined;

  constructor(message: string, position?: Position) {
    super(message);
    this.position = position;
  }
}
