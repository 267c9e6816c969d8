import type { Request } from 'express';

/** Nesting of routers and applications looked through. */
const MAX_DEPTH = 16;

/** The parts of Express that hold routes, in version 4 and 5. They are looked at, never called into or changed. */
interface Router {
  readonly stack?: readonly Layer[];
}
interface Application {
  readonly parent?: Application;
  /** Version 4; there `router` is a getter that throws. */
  readonly _router?: Router;
  readonly router?: Router;
}
interface Layer {
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
interface Route {
  readonly path: Pattern | readonly Pattern[];
}
type Pattern = string | RegExp;
type Matcher = (
  path: string,
) => { readonly path: string; readonly params: Readonly<Record<string, unknown>> } | false;

/** A layer that matches: what it takes of the path, and the template of that. */
interface Match {
  readonly length: number;
  readonly template: string;
}

/**
 * Template of the route that a request matched, with the paths at which its routers are mounted, such as
 * `/tenants/:tenantId/orders/:id`; undefined when no route matched or its place cannot be found.
 *
 * Express tells a handler only its own part (`req.route.path`) and the text that was matched before it (`req.baseUrl`,
 * with the ids in it). So the way to the route is looked up in the routers, by the identity of the route.
 */
export function expressRoute(request: Request): string | undefined {
  try {
    return findRoute(request);
  } catch {
    // Routers of another build than those known here: better no template than no event.
    return undefined;
  }
}

function findRoute(request: Request): string | undefined {
  const route = request.route as Route | undefined;
  if (!route) return undefined;
  const path = request.originalUrl.split('?', 1)[0]!;
  const applications: Application[] = [];
  let application: Application | undefined = request.app as unknown as Application | undefined;
  for (; application && applications.length < MAX_DEPTH; application = application.parent) {
    applications.unshift(application);
  }
  const root = applications[0];
  const found = root && search(routerOf(root), path, { route, applications, level: 0 }, 0);
  return found === undefined ? undefined : found || '/';
}

interface Search {
  readonly route: Route;
  /** From the outermost application to the one that answered. */
  readonly applications: readonly Application[];
  /** Which of them is being looked through. */
  readonly level: number;
}

function search(router: Router | undefined, path: string, wanted: Search, depth: number): string | undefined {
  if (depth > MAX_DEPTH) return undefined;
  for (const layer of router?.stack ?? []) {
    if (layer.route === wanted.route) {
      const match = matchLayer(layer, path);
      if (match) return match.template === '/' ? '' : match.template;
    }
    const inner = layer.route ? undefined : innerRouter(layer, wanted);
    if (!inner) continue;
    const match = matchLayer(layer, path);
    if (!match) continue;
    const found = search(inner.router, restOf(path, match.length), inner.search, depth + 1);
    if (found !== undefined) return match.template.replace(/\/+$/, '') + found;
  }
  return undefined;
}

/** What is mounted in a layer: a router, or an application, which Express hides behind a function of a fixed name. */
function innerRouter(
  layer: Layer,
  wanted: Search,
): { readonly router: Router; readonly search: Search } | undefined {
  const { handle } = layer;
  if (typeof handle !== 'function') return undefined;
  const level = wanted.level + 1;
  const mounted = handle.name === 'mounted_app' ? wanted.applications[level] : undefined;
  if (mounted) {
    const router = routerOf(mounted);
    return router && { router, search: { ...wanted, level } };
  }
  const router = 'stack' in handle ? (handle as Router) : routerOf(handle as Application);
  return router && { router, search: wanted };
}

function routerOf(application: Application): Router | undefined {
  if (application._router) return application._router;
  try {
    return Object.hasOwn(application, 'router') ? application.router : undefined;
  } catch {
    // Version 4 without any route.
    return undefined;
  }
}

/** The path that a router sees below a mount: what is left, with its leading slash. */
function restOf(path: string, length: number): string {
  const rest = path.slice(length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function matchLayer(layer: Layer, path: string): Match | undefined {
  if (layer.slash || layer.regexp?.fast_slash) return { length: 0, template: '' };
  return layer.matchers ? matchVersion5(layer, layer.matchers, path) : matchVersion4(layer, path);
}

function matchVersion5(layer: Layer, matchers: readonly Matcher[], path: string): Match | undefined {
  for (const [position, matcher] of matchers.entries()) {
    const match = matcher(path);
    if (!match) continue;
    const written = layer.rawPath ?? layer.route?.path;
    const pattern = Array.isArray(written) ? (written as readonly Pattern[])[position] : (written as Pattern);
    const template = pattern === undefined ? withNames(match.path, match.params) : String(pattern);
    return { length: match.path.length, template };
  }
  return undefined;
}

/** Before router 2.3 a mount does not keep its path: put the names of parameters back in place of their values. */
function withNames(path: string, params: Readonly<Record<string, unknown>>): string {
  const names = Object.entries(params);
  return path
    .split('/')
    .map((segment) => {
      const [name, value] = names[0] ?? [];
      if (name === undefined || segment === '' || decode(segment) !== value) return segment;
      names.shift();
      return `:${name}`;
    })
    .join('/');
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
  for (const [position, key] of keys.entries()) {
    const [start, end] = match.indices[position + 1] ?? [];
    if (start === undefined || end === undefined || start < from) continue;
    template += path.slice(from, start) + (typeof key.name === 'number' ? '*' : `:${key.name}`);
    from = end;
  }
  return { length, template: template + path.slice(from, length) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
