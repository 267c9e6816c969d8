import type { Request } from 'express';
import { handlesMethod, type Layer, matchLayer, type Route } from './express-layers.ts';

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

/** The path by which Express goes on from here, behind the mounts it has come through. */
export function expressPath({ baseUrl, path }: Request): string {
  return baseUrl !== '' && path === '/' ? baseUrl : baseUrl + path;
}

/**
 * Template of the route that a request matched, with the paths at which its routers are mounted, such as
 * `/tenants/:tenantId/orders/:id`; undefined when no route matched or its place cannot be found.
 *
 * Express tells a handler only its own part (`req.route.path`) and the text that was matched before it (`req.baseUrl`,
 * with the ids in it). So the way to the route is looked up in the routers, by the identity of the route.
 */
export function expressRoute(request: Request): string | undefined {
  const route = request.route as Route | undefined;
  return route && findTemplate(request, { isWanted: (other) => other === route, endsAtUnseen: false });
}

/**
 * Template of the route that a request was on its way to when middleware answered it: the first one that would have
 * matched. Undefined when none would, when a route did match, and when that cannot be told.
 */
export function expectedExpressRoute(request: Request): string | undefined {
  if (request.route) return undefined;
  const isWanted = (route: Route): boolean => handlesMethod(route, request.method);
  return findTemplate(request, { isWanted, endsAtUnseen: true });
}

interface Wanted {
  readonly isWanted: (route: Route) => boolean;
  /** Whether an application that cannot be looked into ends the search: the request might have ended there. */
  readonly endsAtUnseen: boolean;
}

function findTemplate(request: Request, wanted: Wanted): string | undefined {
  try {
    const path = expressPath(request);
    const applications: Application[] = [];
    let application: Application | undefined = request.app as unknown as Application | undefined;
    for (; application && applications.length < MAX_DEPTH; application = application.parent) {
      applications.unshift(application);
    }
    const root = applications[0];
    const found = root && search(routerOf(root), path, { ...wanted, applications, level: 0 }, 0);
    return found?.template === '' ? '/' : found?.template;
  } catch {
    // Routers of another build than those known here: better no template than no event.
    return undefined;
  }
}

interface Search extends Wanted {
  /** From the outermost application to the one that answered. */
  readonly applications: readonly Application[];
  /** Which of them is being looked through. */
  readonly level: number;
}

interface Found {
  /** Undefined when it cannot be told. */
  readonly template: string | undefined;
}

function search(router: Router | undefined, path: string, wanted: Search, depth: number): Found | undefined {
  if (depth > MAX_DEPTH) return undefined;
  for (const layer of router?.stack ?? []) {
    if (layer.route) {
      const match = wanted.isWanted(layer.route) ? matchLayer(layer, path) : undefined;
      if (match) return { template: match.template === '/' ? '' : match.template };
      continue;
    }
    const inner = innerRouter(layer, wanted);
    const match = inner && matchLayer(layer, path);
    if (!match) continue;
    if (inner === 'unseen') {
      if (wanted.endsAtUnseen) return { template: undefined };
      continue;
    }
    const found = search(inner.router, restOf(path, match.length), inner.search, depth + 1);
    if (found?.template !== undefined)
      return { template: match.template.replace(/\/+$/, '') + found.template };
    if (found) return found;
  }
  return undefined;
}

/** What is mounted in a layer: a router, or an application, which Express hides behind a function of a fixed name. */
function innerRouter(
  layer: Layer,
  wanted: Search,
): { readonly router: Router; readonly search: Search } | 'unseen' | undefined {
  const { handle } = layer;
  if (typeof handle !== 'function') return undefined;
  if (handle.name === 'mounted_app') {
    const level = wanted.level + 1;
    const router = routerOf(wanted.applications[level]);
    return router ? { router, search: { ...wanted, level } } : 'unseen';
  }
  const router = 'stack' in handle ? (handle as Router) : routerOf(handle as Application);
  return router && { router, search: wanted };
}

function routerOf(application: Application | undefined): Router | undefined {
  if (application?._router) return application._router;
  try {
    return application && Object.hasOwn(application, 'router') ? application.router : undefined;
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
