import { isDerived } from './derived-fields.ts';
import type { Detection } from './detection.ts';
import { type FieldSource, fieldValues, type RuleEvent } from './event-fields.ts';
import { FieldView } from './field-view.ts';
import { LiteralAutomaton } from './literal-automaton.ts';
import type { Logsource } from './rule-schema.ts';
import { EventAtHand, type Verdict, VerdictCompiler } from './verdict.ts';
import { type Needle, witnessOf } from './witness.ts';

/** A rule as it is looked for. */
export interface PlannedRule {
  readonly logsource: Logsource;
  readonly detection: Detection;
}

const maxPartitions = 256;

/**
 * Many rules over one event after the other. Events are first held against what rules need (see {@link witnessOf}); only
 * the rules of which something is there are looked at. The verdicts are those of `compileNaive`.
 */
export class RuleSet {
  readonly #rules: readonly PlannedRule[];
  readonly #hand: EventAtHand = new EventAtHand();
  readonly #verdicts: readonly Verdict[];
  readonly #partitions: Map<string, Partition> = new Map();

  /** @throws RuleError */
  constructor(rules: readonly PlannedRule[]) {
    this.#rules = rules;
    const compiler = new VerdictCompiler(this.#hand);
    this.#verdicts = rules.map(({ detection }) => compiler.compile(detection));
  }

  /**
   * The rules that find an event, by their numbers, in ascending order.
   *
   * @param logsource what the event says of its source; what it leaves open excludes no rule
   * @param valuesOf where fields come from that are not the event's own
   */
  matches(event: RuleEvent, logsource: Logsource, valuesOf: FieldSource = fieldValues): number[] {
    this.#hand.take(event, valuesOf);
    const found: number[] = [];
    for (const rule of this.#partition(logsource).candidates(this.#hand))
      if (this.#verdicts[rule]!()) found.push(rule);
    return found.sort((a, b) => a - b);
  }

  #partition(logsource: Logsource): Partition {
    const { category, product, service } = logsource;
    const key = JSON.stringify([category, product, service]);
    let partition = this.#partitions.get(key);
    if (partition === undefined) {
      const numbers = this.#rules.flatMap((rule, number) =>
        fits(rule.logsource, logsource) ? [number] : [],
      );
      partition = new Partition(
        numbers.map((number) => [number, witnessOf(this.#rules[number]!.detection)] as const),
        this.#rules.length,
        this.#hand,
      );
      // Sources are named by events, of which there may be any number.
      if (this.#partitions.size >= maxPartitions)
        this.#partitions.delete(this.#partitions.keys().next().value!);
      this.#partitions.set(key, partition);
    }
    return partition;
  }
}

/** Whether nothing that a rule, or a filter, asks of the source contradicts what is said of it. */
export function fits(wanted: Logsource, source: Logsource): boolean {
  return (['category', 'product', 'service'] as const).every(
    (name) => wanted[name] === undefined || source[name] === undefined || wanted[name] === source[name],
  );
}

/** A step on the way to fields that needles are about. */
interface TrieNode {
  readonly children: Map<string, TrieNode>;
  field: number;
}

/** What is looked for in one field. */
class FieldNeedles {
  readonly #is: Map<string, number[]> = new Map();
  readonly #holds: Map<string, number[]> = new Map();
  readonly #present: number[] = [];
  #automaton: LiteralAutomaton | undefined;
  #holdsRules: readonly (readonly number[])[] = [];

  add(needle: Needle, rule: number): void {
    if (needle.kind === 'present') this.#present.push(rule);
    else {
      const byText = needle.kind === 'is' ? this.#is : this.#holds;
      const rules = byText.get(needle.text);
      if (rules) rules.push(rule);
      else byText.set(needle.text, [rule]);
    }
  }

  build(): void {
    if (this.#holds.size === 0) return;
    this.#automaton = new LiteralAutomaton([...this.#holds.keys()]);
    this.#holdsRules = [...this.#holds.values()];
  }

  search(view: FieldView, found: (rules: readonly number[]) => void): void {
    if (this.#present.length > 0) found(this.#present);
    if (this.#is.size === 0 && this.#automaton === undefined) return;
    for (const text of view.folded) {
      const rules = this.#is.get(text);
      if (rules) found(rules);
      this.#automaton?.search(text, (index) => found(this.#holdsRules[index]!));
    }
  }
}

/** The rules of one source, by what they need. */
class Partition {
  readonly #root: TrieNode = { children: new Map(), field: -1 };
  readonly #fields: Map<number, FieldNeedles> = new Map();
  /** Of those, the ones that no event has itself. */
  readonly #derived: number[] = [];
  readonly #keywords: FieldNeedles = new FieldNeedles();
  readonly #hasKeywords: boolean;
  readonly #always: number[] = [];
  /** By rule: the turn in which it last became a candidate. */
  readonly #turns: Float64Array;
  readonly #collected: Map<number, unknown[]> = new Map();
  #hasDottedKey = false;

  constructor(
    rules: readonly (readonly [number: number, witness: readonly Needle[] | undefined])[],
    ruleCount: number,
    hand: EventAtHand,
  ) {
    this.#turns = new Float64Array(ruleCount).fill(-1);
    let hasKeywords = false;
    for (const [rule, witness] of rules) {
      if (witness === undefined) this.#always.push(rule);
      for (const needle of witness ?? []) {
        if (needle.field === undefined) {
          hasKeywords = true;
          this.#keywords.add(needle, rule);
        } else this.#needlesOf(needle.field, hand).add(needle, rule);
      }
    }
    this.#hasKeywords = hasKeywords;
    this.#keywords.build();
    for (const needles of this.#fields.values()) needles.build();
  }

  /** Rules that may find the event at hand, each once. */
  candidates(hand: EventAtHand): readonly number[] {
    const turn = hand.turn;
    const candidates = [...this.#always];
    const found = (rules: readonly number[]): void => {
      for (let i = 0; i < rules.length; i++) {
        const rule = rules[i]!;
        if (this.#turns[rule] === turn) continue;
        this.#turns[rule] = turn;
        candidates.push(rule);
      }
    };
    this.#collected.clear();
    this.#hasDottedKey = false;
    this.#walk(hand.event, this.#root);
    for (const field of this.#hasDottedKey ? this.#fields.keys() : this.#derived) {
      const view = hand.field(field);
      if (view) this.#fields.get(field)!.search(view, found);
    }
    if (!this.#hasDottedKey) {
      for (const [field, values] of this.#collected) {
        const view = new FieldView(values);
        hand.set(field, view);
        this.#fields.get(field)!.search(view, found);
      }
    }
    if (this.#hasKeywords) this.#keywords.search(hand.keywords, found);
    return candidates;
  }

  #needlesOf(name: string, hand: EventAtHand): FieldNeedles {
    const number = hand.numberOf(name);
    let needles = this.#fields.get(number);
    if (needles === undefined) {
      needles = new FieldNeedles();
      this.#fields.set(number, needles);
      if (isDerived(name)) {
        this.#derived.push(number);
        return needles;
      }
      let node = this.#root;
      for (const step of name.split('.')) {
        let child = node.children.get(step);
        if (child === undefined) {
          child = { children: new Map(), field: -1 };
          node.children.set(step, child);
        }
        node = child;
      }
      node.field = number;
    }
    return needles;
  }

  /** Collects the values of fields that are looked for, in one walk over what the event has. */
  #walk(value: object, node: TrieNode): void {
    for (const key in value) {
      const child = node.children.get(key);
      if (child === undefined) {
        // Such a key can be the whole name of a field, which comes before any path.
        if (key.includes('.')) this.#hasDottedKey = true;
        continue;
      }
      this.#visit((value as RuleEvent)[key], child);
    }
  }

  #visit(value: unknown, node: TrieNode): void {
    if (node.field >= 0) this.#collect(value, node.field);
    if (node.children.size > 0 && typeof value === 'object' && value !== null) this.#descend(value, node);
  }

  #descend(value: object, node: TrieNode): void {
    if (!Array.isArray(value)) this.#walk(value, node);
    else
      for (const element of value)
        if (typeof element === 'object' && element !== null) this.#descend(element, node);
  }

  #collect(value: unknown, field: number): void {
    let values = this.#collected.get(field);
    if (values === undefined) {
      values = [];
      this.#collected.set(field, values);
    }
    if (Array.isArray(value)) for (const element of value) this.#collect(element, field);
    else values.push(value);
  }
}
