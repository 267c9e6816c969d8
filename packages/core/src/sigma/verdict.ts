import type { Detection } from './detection.ts';
import { type FieldSource, fieldValues, type RuleEvent, scalarsIn, withValue } from './event-fields.ts';
import { FieldView } from './field-view.ts';
import { compileKeyword, compileValue, type FieldTest } from './value-test.ts';
import type { DetectionItem } from './values.ts';

/** Whether the event at hand is what a rule looks for. */
export type Verdict = () => boolean;

/**
 * The event at hand: its fields, each looked up once, and what has been found out about them. Rules share fields and the
 * tests of them; nothing is made anew for an event but what its values need.
 */
export class EventAtHand {
  #event: RuleEvent = {};
  #valuesOf: FieldSource = fieldValues;
  #turn = 0;
  readonly #fieldNumbers: Map<string, number> = new Map();
  readonly #names: string[] = [];
  readonly #views: (FieldView | undefined)[] = [];
  readonly #viewTurns: number[] = [];
  #keywords: FieldView | undefined;
  #keywordTurn = -1;

  /** Number of the turn: it changes with the event. */
  get turn(): number {
    return this.#turn;
  }

  get event(): RuleEvent {
    return this.#event;
  }

  /** Takes up the next event. @param valuesOf where its fields come from */
  take(event: RuleEvent, valuesOf: FieldSource): void {
    this.#event = event;
    this.#valuesOf = valuesOf;
    this.#turn++;
  }

  /** The number of a field, by which it is asked for. */
  numberOf(name: string): number {
    let number = this.#fieldNumbers.get(name);
    if (number === undefined) {
      number = this.#names.push(name) - 1;
      this.#fieldNumbers.set(name, number);
      this.#views.push(undefined);
      this.#viewTurns.push(-1);
    }
    return number;
  }

  /** A field of the event. */
  field(number: number): FieldView | undefined {
    if (this.#viewTurns[number] !== this.#turn) {
      const values = this.#valuesOf(this.#event, this.#names[number]!);
      this.#views[number] = values && new FieldView(values);
      this.#viewTurns[number] = this.#turn;
    }
    return this.#views[number];
  }

  /**
   * Tells of a value that a field has, before anybody has asked for the field. Of an array each element is a value.
   *
   * @returns whether it is the first that is told of the field
   */
  collect(number: number, value: unknown): boolean {
    if (this.#viewTurns[number] === this.#turn) {
      this.#views[number]!.add(value);
      return false;
    }
    this.#views[number] = new FieldView(withValue(undefined, value));
    this.#viewTurns[number] = this.#turn;
    return true;
  }

  /** Forgets what has been told of fields: all are looked up again. */
  forget(): void {
    this.#turn++;
  }

  /** Every value of the event. */
  get keywords(): FieldView {
    if (this.#keywordTurn !== this.#turn) {
      this.#keywords = new FieldView(scalarsIn(this.#event));
      this.#keywordTurn = this.#turn;
    }
    return this.#keywords!;
  }
}

/** Makes verdicts out of detections; tests that occur in several rules are made, and asked, once. */
export class VerdictCompiler {
  readonly #hand: EventAtHand;
  readonly #tests: Map<string, Verdict> = new Map();

  constructor(hand: EventAtHand) {
    this.#hand = hand;
  }

  /** @throws RuleError */
  compile(detection: Detection): Verdict {
    switch (detection.op) {
      case 'and': {
        const parts = detection.parts.map((part) => this.compile(part));
        return () => {
          for (let i = 0; i < parts.length; i++) if (!parts[i]!()) return false;
          return true;
        };
      }
      case 'or': {
        const parts = detection.parts.map((part) => this.compile(part));
        return () => {
          for (let i = 0; i < parts.length; i++) if (parts[i]!()) return true;
          return false;
        };
      }
      case 'not': {
        const part = this.compile(detection.part);
        return () => !part();
      }
      case 'item':
        return this.#item(detection.item);
    }
  }

  #item(item: DetectionItem): Verdict {
    const key = JSON.stringify(item);
    let verdict = this.#tests.get(key);
    if (verdict === undefined) {
      verdict = once(this.#hand, this.#compileItem(item));
      this.#tests.set(key, verdict);
    }
    return verdict;
  }

  #compileItem({ field, values, link, isNegated }: DetectionItem): Verdict {
    const hand = this.#hand;
    const compile = field === undefined ? compileKeyword : compileValue;
    const tests = values.map((forms) => anyOf(forms.map(compile)));
    const number = field === undefined ? -1 : hand.numberOf(field);
    const wanted = !isNegated;
    return () => {
      const view = number < 0 ? hand.keywords : hand.field(number);
      const isAll = link === 'and';
      for (let i = 0; i < tests.length; i++)
        if (tests[i]!(view, hand.event) !== isAll) return isAll !== wanted;
      return isAll === wanted;
    };
  }
}

function anyOf(tests: readonly FieldTest[]): FieldTest {
  if (tests.length === 1) return tests[0]!;
  return (view, event) => {
    for (let i = 0; i < tests.length; i++) if (tests[i]!(view, event)) return true;
    return false;
  };
}

/** Asks once an event. */
function once(hand: EventAtHand, verdict: Verdict): Verdict {
  let turn = -1;
  let known = false;
  return () => {
    if (turn !== hand.turn) {
      known = verdict();
      turn = hand.turn;
    }
    return known;
  };
}
