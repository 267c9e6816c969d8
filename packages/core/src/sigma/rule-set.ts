import { isDerived } from './derived-fields.ts';
import type { Detection } from './detection.ts';
import { type FieldSource, fieldValues, type RuleEvent } from './event-fields.ts';
import type { FieldView } from './field-view.ts';
import { LiteralAutomaton } from './literal-automaton.ts';
import { type EventSource, fits, LogsourceRoutes } from './logsource.ts';
import type { Logsource } from './rule-schema.ts';
import { EventAtHand, type Verdict, VerdictCompiler } from './verdict.ts';
import { type Needle, witnessOf } from './witness.ts';

/** A rule as it is looked for. */
export interface PlannedRule {
  readonly logsource: Logsource;
  readonly detection: Detection;
}

/** Partitions that are kept. What events say of their source is theirs; how it falls together is bounded by the rules. */
const maxPartitions = 256;

/**
 * Many rules over one event after the other. Events are first held against what rules need (see {@link witnessOf}); only
 * the rules of which something is there are looked at. The verdicts are those of `compileNaive`.
 */
export class RuleSet {
  readonly #rules: readonly PlannedRule[];
  readonly #hand: EventAtHand = new EventAtHand();
  readonly #verdicts: readonly Verdict[];
  readonly #routes: LogsourceRoutes;
  readonly #partitions: Map<number, Partition> = new Map();

  /** @throws RuleError */
  constructor(rules: readonly PlannedRule[]) {
    this.#rules = rules;
    this.#routes = new LogsourceRoutes(rules.map(({ logsource }) => logsource));
    const compiler = new VerdictCompiler(this.#hand);
    this.#verdicts = rules.map(({ detection }) => compiler.compile(detection));
  }

  /**
   * The rules that find an event, by their numbers, in ascending order.
   *
   * @param source what the event says of its source
   * @param valuesOf where fields come from that are not the event's own
   */
  matches(event: RuleEvent, source: EventSource, valuesOf: FieldSource = fieldValues): number[] {
    this.#hand.take(event, valuesOf);
    const found: number[] = [];
    const candidates = this.#partition(source).candidates(this.#hand);
    for (let i = 0; i < candidates.length; i++) {
      const rule = candidates[i]!;
      if (this.#verdicts[rule]!()) found.push(rule);
    }
    return found.length > 1 ? found.sort((a, b) => a - b) : found;
  }

  #partition(source: EventSource): Partition {
    const route = this.#routes.routeOf(source);
    let partition = this.#partitions.get(route);
    if (partition === undefined) {
      const numbers = this.#rules.flatMap((rule, number) => (fits(rule.logsource, source) ? [number] : []));
      partition = new Partition(
        numbers.map((number) => [number, witnessOf(this.#rules[number]!.detection)] as const),
        this.#rules.length,
        this.#hand,
      );
      if (this.#partitions.size >= maxPartitions)
        this.#partitions.delete(this.#partitions.keys().next().value!);
      this.#partitions.set(route, partition);
    }
    return partition;
  }
}

/** A step on the way to fields that needles are about. */
interface TrieNode {
  readonly children: Map<string, TrieNode>;
  /** Names of fields from here on, of more than one step. */
  readonly rests: Set<string>;
  field: number;
}

const newNode = (): TrieNode => ({ children: new Map(), rests: new Set(), field: -1 });

function childOf(node: TrieNode, step: string): TrieNode {
  let child = node.children.get(step);
  if (child === undefined) {
    child = newNode();
    node.children.set(step, child);
  }
  return child;
}

/** What is looked for in one field. */
class FieldNeedles {
  readonly #is: Map<string, number[]> = new Map();
  readonly #holds: Map<string, number[]> = new Map();
  readonly #present: number[] = [];
  readonly #found: (rules: readonly number[]) => void;
  readonly #foundInside = (index: number): void => this.#found(this.#holdsRules[index]!);
  #automaton: LiteralAutomaton | undefined;
  #holdsRules: readonly (readonly number[])[] = [];

  /** @param found told of the rules whose needles are there */
  constructor(found: (rules: readonly number[]) => void) {
    this.#found = found;
  }

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

  search(view: FieldView): void {
    if (this.#present.length > 0) this.#found(this.#present);
    if (this.#is.size === 0 && this.#automaton === undefined) return;
    const texts = view.folded;
    for (let i = 0; i < texts.length; i++) {
      const text = texts[i]!;
      const rules = this.#is.size === 0 ? undefined : this.#is.get(text);
      if (rules) this.#found(rules);
      this.#automaton?.search(text, this.#foundInside);
    }
  }
}

/** The rules of one source, by what they need. */
class Partition {
  readonly #root: TrieNode = newNode();
  readonly #fields: Map<number, FieldNeedles> = new Map();
  /** Of those, the ones that no event has itself. */
  readonly #derived: number[] = [];
  readonly #keywords: FieldNeedles;
  readonly #hasKeywords: boolean;
  readonly #always: number[] = [];
  /** By rule: the turn in which it last became a candidate. */
  readonly #turns: Float64Array;
  #turn = -1;
  #candidates: number[] = [];
  /** Fields of the event at hand that are looked for, in the order in which they were come by. */
  #present: number[] = [];
  #hasWholeName = false;

  constructor(
    rules: readonly (readonly [number: number, witness: readonly Needle[] | undefined])[],
    ruleCount: number,
    hand: EventAtHand,
  ) {
    this.#turns = new Float64Array(ruleCount).fill(-1);
    this.#keywords = new FieldNeedles(this.#found);
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
    this.#candidates = this.#always.slice();
    this.#present = [];
    this.#hasWholeName = false;
    this.#walk(hand.event, this.#root, hand);
    // A key that is the whole name of a field comes before any path: what was come by on paths does not count.
    if (this.#hasWholeName) hand.forget();
    this.#turn = hand.turn;
    if (this.#hasWholeName) for (const field of this.#fields.keys()) this.#search(hand, field);
    else {
      for (let i = 0; i < this.#present.length; i++) this.#search(hand, this.#present[i]!);
      for (let i = 0; i < this.#derived.length; i++) this.#search(hand, this.#derived[i]!);
    }
    if (this.#hasKeywords) this.#keywords.search(hand.keywords);
    return this.#candidates;
  }

  #search(hand: EventAtHand, field: number): void {
    const view = hand.field(field);
    if (view) this.#fields.get(field)!.search(view);
  }

  readonly #found = (rules: readonly number[]): void => {
    const turns = this.#turns;
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i]!;
      if (turns[rule] === this.#turn) continue;
      turns[rule] = this.#turn;
      this.#candidates.push(rule);
    }
  };

  #needlesOf(name: string, hand: EventAtHand): FieldNeedles {
    const number = hand.numberOf(name);
    let needles = this.#fields.get(number);
    if (needles === undefined) {
      needles = new FieldNeedles(this.#found);
      this.#fields.set(number, needles);
      if (isDerived(name)) {
        this.#derived.push(number);
        return needles;
      }
      let node = this.#root;
      let rest = name;
      for (let dot = rest.indexOf('.'); dot >= 0; dot = rest.indexOf('.')) {
        node.rests.add(rest);
        // A path has no step without a name: this can only be a key as it is.
        if (dot === 0) return needles;
        node = childOf(node, rest.slice(0, dot));
        rest = rest.slice(dot + 1);
      }
      childOf(node, rest).field = number;
    }
    return needles;
  }

  /** Collects the values of fields that are looked for, in one walk over what the event has. */
  #walk(value: object, node: TrieNode, hand: EventAtHand): void {
    for (const key in value) {
      const child = node.children.get(key);
      if (child === undefined) {
        if (node.rests.has(key)) this.#hasWholeName = true;
        continue;
      }
      const below = (value as RuleEvent)[key];
      if (child.field >= 0) this.#collect(below, child.field, hand);
      if (child.children.size > 0 && typeof below === 'object' && below !== null)
        this.#descend(below, child, hand);
    }
  }

  #descend(value: object, node: TrieNode, hand: EventAtHand): void {
    if (!Array.isArray(value)) this.#walk(value, node, hand);
    else
      for (const element of value)
        if (typeof element === 'object' && element !== null) this.#descend(element, node, hand);
  }

  #collect(value: unknown, field: number, hand: EventAtHand): void {
    if (hand.collect(field, value)) this.#present.push(field);
  }
}
