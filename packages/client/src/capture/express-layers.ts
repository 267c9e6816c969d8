/** A path as the application wrote it. */
export type Pattern = string | RegExp;

/** What stands in a router of Express, in version 4 and 5. It is looked at, never called into or changed. */
export interface Layer {
  readonly route?: Route | undefined;
  readonly handle?: unknown;
  /** Version 4. */
  readonly regexp?: RegExp & { readonly fast_slash?: boolean; readonly fast_star?: boolean };
  readonly keys?: readonly { readonly name: string | number }[];
  /** Version 5. */
  readonly matchers?: readonly Matcher[];
  readonly slash?: boolean;
  /** Version 5, from router 2.3: the paths as the application wrote them, one for each matcher. */
  readonly rawPath?: Pattern | readonly Pattern[];
}

export interface Route {
  readonly path: Pattern | readonly Pattern[];
  /** Methods in lower case; `_all` stands for any. */
  readonly methods: Readonly<Record<string, boolean | undefined>>;
}

type Matcher = (
  path: string,
) => { readonly path: string; readonly params: Readonly<Record<string, unknown>> } | false;

/** A layer that matches: what it takes of the path, and the template of that. */
export interface Match {
  readonly length: number;
  readonly template: string;
}

/** Stands for a mount whose path cannot be told from the values in it: those are never shown. */
const UNKNOWN = '/*';

/**
 * Matches a layer with a path. The template is what the application wrote; where Express does not keep that, it is put
 * together of what is certainly not a value: values can be personal.
 */
export function matchLayer(layer: Layer, path: string): Match | undefined {
  if (layer.slash || layer.regexp?.fast_slash) return { length: 0, template: '' };
  return layer.matchers ? matchVersion5(layer, layer.matchers, path) : matchVersion4(layer, path);
}

/** Whether a route answers requests with this method, as Express itself decides it. */
export function handlesMethod({ methods }: Route, method: string): boolean {
  const name = method.toLowerCase();
  return Boolean(methods['_all'] ?? methods[name] ?? (name === 'head' && methods['get']));
}

function matchVersion5(layer: Layer, matchers: readonly Matcher[], path: string): Match | undefined {
  for (const [position, matcher] of matchers.entries()) {
    const match = matcher(path);
    if (!match) continue;
    const written = layer.rawPath ?? layer.route?.path;
    const pattern = Array.isArray(written) ? (written as readonly Pattern[])[position] : (written as Pattern);
    const template = pattern === undefined ? withNames(match.path, match.params, matcher) : String(pattern);
    return { length: match.path.length, template };
  }
  return undefined;
}

/** Before router 2.3 a mount does not keep its path: put the names of parameters back in place of their values. */
function withNames(path: string, params: Readonly<Record<string, unknown>>, matcher: Matcher): string {
  const names = Object.entries(params);
  const segments = path.split('/');
  const template = segments.map((segment, position) => {
    const [name, value] = names[0] ?? [];
    if (name !== undefined && segment !== '' && decode(segment) === value) {
      names.shift();
      return `:${name}`;
    }
    // What can be another text and still match, as in a regular expression, was not written like this.
    const others = segments.with(position, changed(segment)).join('/');
    return others !== path && matcher(others) ? undefined : segment;
  });
  // A name that is left over stands for a part of a segment, which is shown in it.
  return names.length > 0 || template.includes(undefined) ? UNKNOWN : template.join('/');
}

/** Another text of the same kind: each letter and digit is the one that follows it. */
function changed(text: string): string {
  return text.replace(/[a-z\d]/gi, (char) => {
    if (/[zZ9]/.test(char)) return { z: 'a', Z: 'A', 9: '0' }[char]!;
    return String.fromCharCode(char.charCodeAt(0) + 1);
  });
}

const indexed = /* @__PURE__ */ new WeakMap<RegExp, RegExp>();

/** The same expression, which also says where its groups matched. */
function withIndices(regexp: RegExp): RegExp {
  let copy = indexed.get(regexp);
  if (!copy) {
    copy = new RegExp(regexp.source, `${regexp.flags.replace(/[dgy]/g, '')}d`);
    indexed.set(regexp, copy);
  }
  return copy;
}

/** Version 4 keeps an expression and the names of its groups: where the groups matched, their names stand. */
function matchVersion4(layer: Layer, path: string): Match | undefined {
  const { regexp, keys = [] } = layer;
  if (!regexp) return undefined;
  const written = layer.route?.path;
  if (regexp.fast_star) return { length: path.length, template: '*' };
  const match = withIndices(regexp).exec(path);
  if (!match?.indices) return undefined;
  const { length } = match[0];
  if (typeof written === 'string' || written instanceof RegExp) return { length, template: String(written) };
  let template = '';
  let from = 0;
  const literals: string[] = [];
  for (const [position, key] of keys.entries()) {
    const [start, end] = match.indices[position + 1] ?? [];
    if (start === undefined || end === undefined || start < from) continue;
    const literal = path.slice(from, start);
    literals.push(literal);
    template += literal + (typeof key.name === 'number' ? '*' : `:${key.name}`);
    from = end;
  }
  const last = path.slice(from, length);
  const isWritten = [...literals, last].every((literal) => isLiteralIn(regexp, literal));
  return { length, template: isWritten ? template + last : String(regexp) };
}

/** Whether an expression asks for just this text: version 4 writes slashes and dots escaped, and groups around parameters. */
function isLiteralIn({ source }: RegExp, text: string): boolean {
  const escaped = text.replace(/[/.]/g, '\\$&').toLowerCase();
  return source.replaceAll('(?:', '').toLowerCase().includes(escaped);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
