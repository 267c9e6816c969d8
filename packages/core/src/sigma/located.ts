import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
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
  const documents = parseAllDocuments(text, {
    version: '1.2',
    schema: 'core',
    uniqueKeys: true,
    lineCounter: lines,
    logLevel: 'silent',
  });
  if ('empty' in documents) return [];
  return documents.map((document): LocatedDocument => {
    const at = (offset: number): Position => {
      const { line, col } = lines.linePos(offset);
      return { line: Math.max(1, line), column: Math.max(1, col) };
    };
    const [error] = document.errors;
    if (error) return { faults: [{ ...at(error.pos[0]), message: yamlMessage(error.message) }] };
    const reader = new Reader(document, at);
    try {
      return { root: reader.read(document.contents, 0) };
    } catch (fault) {
      if (!(fault instanceof RuleError)) throw fault;
      return { faults: [{ ...(fault.position ?? { line: 1, column: 1 }), message: fault.message }] };
    }
  });
}

/** yaml's messages end in an excerpt of the file; their first line is the message. */
const yamlMessage = (message: string): string =>
  message.split('\n', 1)[0]!.replace(/ at line \d+, column \d+:?$/, '');

class Reader {
  readonly #document: Document;
  readonly #at: (offset: number) => Position;
  #nodes = 0;

  constructor(document: Document, at: (offset: number) => Position) {
    this.#document = document;
    this.#at = at;
  }

  /** @throws RuleError */
  read(node: unknown, depth: number): Located {
    const position = this.#positionOf(node);
    if (++this.#nodes > maxNodes) throw new RuleError(`expected at most ${maxNodes} values`, position);
    if (depth > maxDepth) throw new RuleError(`expected at most ${maxDepth} levels`, position);
    if (isAlias(node)) return { ...this.read(node.resolve(this.#document), depth + 1), ...position };
    if (isMap(node))
      return {
        kind: 'map',
        ...position,
        entries: node.items.map(({ key, value }) => ({
          key: this.#readKey(key),
          keyPosition: this.#positionOf(key),
          value:
            value === null
              ? { kind: 'scalar', value: null, ...this.#positionOf(key) }
              : this.read(value, depth + 1),
        })),
      };
    if (isSeq(node))
      return { kind: 'list', ...position, items: node.items.map((item) => this.read(item, depth + 1)) };
    return { kind: 'scalar', ...position, value: readScalar(node, position) };
  }

  #readKey(key: unknown): string {
    const value = readScalar(key, this.#positionOf(key));
    return String(value);
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
  // A number that JavaScript cannot hold exactly is compared as the text that it is.
  if (typeof value === 'number')
    return Number.isInteger(value) && !Number.isSafeInteger(value) ? source! : value;
  throw new RuleError('expected a text, a number, true, false or null', position);
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
