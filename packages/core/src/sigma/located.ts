import {
  type Alias,
  Composer,
  type CST,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  Parser,
} from 'yaml';
import { type Position, RuleError, type RuleFault } from './rule-error.ts';

/** A scalar as rules have them. */
export type Scalar = string | number | boolean | null;

/** A YAML value that knows where it stands, so that faults can name their line. */
export type Located = LocatedMap | LocatedList | LocatedScalar;
export interface LocatedScalar extends Position {
  readonly kind: 'scalar';
  readonly value: Scalar;
}
export interface LocatedList extends Position {
  readonly kind: 'list';
  readonly items: readonly Located[];
}
export interface LocatedMap extends Position {
  readonly kind: 'map';
  readonly entries: readonly LocatedEntry[];
}
export interface LocatedEntry {
  readonly key: string;
  readonly keyPosition: Position;
  readonly value: Located;
}

/** A document of a file: its value, or what keeps it from being read. */
export type LocatedDocument = { readonly root: Located } | { readonly faults: readonly RuleFault[] };

const maxNodes = 200_000;
const maxDepth = 64;
const maxBytes = 4 * 1024 * 1024;

/**
 * Reads YAML 1.2 with its core schema: `no`, `off` and dates are text. Untrusted input: bytes, nodes and depth are bounded,
 * aliases count as what they stand for, and a key that stands twice in a map is a fault.
 */
export function parseYaml(text: string): readonly LocatedDocument[] {
  if (text.length > maxBytes)
    return [{ faults: [{ line: 1, column: 1, message: `expected at most ${maxBytes} characters` }] }];
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const attempt = (work: () => LocatedDocument): LocatedDocument => {
    try {
      return work();
    } catch (fault) {
      if (!(fault instanceof RuleError)) throw fault;
      return { faults: [{ ...(fault.position ?? { line: 1, column: 1 }), message: fault.message }] };
    }
  };
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  // What yaml makes of tokens goes down by calls: the depth is bounded before.
  const deep = tokens.find((token) => deepestOf(token) !== undefined);
  if (deep !== undefined) return [{ faults: [{ ...at(deepestOf(deep)!), message: tooDeep }] }];
  // Keys that stand twice are looked for here: yaml compares each with each.
  const composer = new Composer({ version: '1.2', schema: 'core', uniqueKeys: false, logLevel: 'silent' });
  return Array.from(composer.compose(tokens), ({ errors, warnings, contents }) => {
    // What yaml warns of is a tag that nobody knows, and a value that is something else without it.
    const [error] = [...errors, ...warnings];
    if (error) return { faults: [{ ...at(error.pos[0]), message: error.message }] };
    return attempt(() => ({ root: new Reader(at).read(contents, 0) }));
  });
}

const tooDeep = `expected at most ${maxDepth} levels`;

/** Where a token goes deeper than is allowed. */
function deepestOf(root: CST.Token): number | undefined {
  const open: (readonly [token: CST.Token, depth: number])[] = [[root, 0]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [token, depth] = next;
    // A document and its content are one level.
    if (depth > maxDepth + 1) return token.offset;
    if (token.type === 'document' && token.value) open.push([token.value, depth + 1]);
    if (!('items' in token)) continue;
    for (const item of token.items)
      for (const part of [item.key, item.value]) if (part) open.push([part, depth + 1]);
  }
  return undefined;
}

/** Tags of values that stand for themselves. yaml reads others, too, when they are written. */
const coreTags: ReadonlySet<string> = new Set(
  ['map', 'seq', 'str', 'int', 'float', 'bool', 'null'].map((name) => `tag:yaml.org,2002:${name}`),
);

class Reader {
  readonly #at: (offset: number) => Position;
  readonly #anchored: Map<string, Node> = new Map();
  /** By alias: what it stood for where it was read first, which is where it is written. */
  readonly #meant: Map<Alias, Node> = new Map();
  #isRepeat = false;
  #nodes = 0;

  constructor(at: (offset: number) => Position) {
    this.#at = at;
  }

  /** @throws RuleError */
  read(node: unknown, depth: number): Located {
    const position = this.#positionOf(node);
    if (++this.#nodes > maxNodes) throw new RuleError(`expected at most ${maxNodes} values`, position);
    if (depth > maxDepth) throw new RuleError(tooDeep, position);
    if (isAlias(node)) return { ...this.#readAlias(node, depth, position), ...position };
    const { tag } = (node ?? {}) as { readonly tag?: string };
    if (tag !== undefined && !coreTags.has(tag))
      throw new RuleError('expected no tag such as !!set', position);
    this.#note(node);
    if (isMap(node)) {
      const keys = new Set<string>();
      const entries = node.items.map(({ key: written, value }): LocatedEntry => {
        const keyPosition = this.#positionOf(written ?? value ?? node);
        const key = this.#readKey(written, keyPosition);
        if (keys.has(key)) throw new RuleError(`the key ${key.slice(0, 64)} stands twice`, keyPosition);
        keys.add(key);
        const read: Located =
          value === null ? { kind: 'scalar', value: null, ...keyPosition } : this.read(value, depth + 1);
        return { key, keyPosition, value: read };
      });
      return { kind: 'map', ...position, entries };
    }
    if (isSeq(node))
      return { kind: 'list', ...position, items: node.items.map((item) => this.read(item, depth + 1)) };
    return { kind: 'scalar', ...position, value: readScalar(node, position) };
  }

  #readAlias(alias: Alias, depth: number, position: Position): Located {
    const target = this.#targetOf(alias, position);
    const wasRepeat = this.#isRepeat;
    this.#isRepeat = true;
    const read = this.read(target, depth + 1);
    this.#isRepeat = wasRepeat;
    return read;
  }

  /** Looked up here: yaml goes through the whole document for each alias. */
  #targetOf(alias: Alias, position: Position): Node {
    const target = this.#meant.get(alias) ?? this.#anchored.get(alias.source);
    if (target === undefined)
      throw new RuleError(`there is no anchor ${alias.source.slice(0, 64)} before it`, position);
    this.#meant.set(alias, target);
    return target;
  }

  #note(node: unknown): void {
    const { anchor } = (node ?? {}) as Node & { readonly anchor?: string };
    if (anchor !== undefined && !this.#isRepeat) this.#anchored.set(anchor, node as Node);
  }

  /** As it is written: a field may be called 1.0 or true. */
  #readKey(written: unknown, position: Position): string {
    const key = isAlias(written) ? this.#targetOf(written, position) : written;
    this.#note(key);
    const value = isScalar(key) ? key.value : null;
    if (typeof value === 'string') return value;
    if (!isScalar(key) || value === null || key.source === undefined)
      throw new RuleError('expected the name of a key', position);
    return key.source;
  }

  #positionOf(node: unknown): Position {
    const range = (node as { range?: readonly number[] | null } | null)?.range;
    return range ? this.#at(range[0]!) : { line: 1, column: 1 };
  }
}

function readScalar(node: unknown, position: Position): Scalar {
  if (node === null || node === undefined) return null;
  if (!isScalar(node)) throw new RuleError('expected a text, a number, true, false or null', position);
  const { value, source } = node;
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value !== 'number')
    throw new RuleError('expected a text, a number, true, false or null', position);
  // Nothing is equal to it, more or less than it.
  if (!Number.isFinite(value) && !/\d/.test(source ?? ''))
    throw new RuleError('expected a number that is finite; a text stands in quotation marks', position);
  // A number that JavaScript cannot hold exactly is compared as the text that it is.
  const isHeld = Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
  return isHeld ? value : source!;
}

/** The plain value: what JSON would be. */
export function plain(located: Located): unknown {
  switch (located.kind) {
    case 'scalar':
      return located.value;
    case 'list':
      return located.items.map(plain);
    case 'map':
      return Object.fromEntries(located.entries.map(({ key, value }) => [key, plain(value)]));
  }
}

/** The entry of a map with a key. */
export const entryOf = (map: LocatedMap, key: string): LocatedEntry | undefined =>
  map.entries.find((entry) => entry.key === key);
