import type { RoutePlan } from '../template/plan.ts';

/** The route of a request and what its variables hold. */
export type RouteMatch = { readonly route: RoutePlan; readonly pathParameters: Readonly<Record<string, string>> };

/**
 * Chooses a route as an HTTP API does: a full match before a greedy one, a longer before a shorter, a named method before ANY,
 * `$default` last; null where none matches. Path variables hold one segment each, decoded.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
 */
export function matchRoute(routes: readonly RoutePlan[], method: string, path: string): RouteMatch | null {
  const matches = routes.flatMap((route) => {
    if (route.method !== 'ANY' && route.method !== method) return [];
    const pathParameters = route.path === '$default' ? {} : variablesOf(route.path, path);
    return pathParameters === null ? [] : [{ route, pathParameters }];
  });
  const [best] = matches.sort((a, b) => weightOf(b.route) - weightOf(a.route));
  return best ?? null;
}

function variablesOf(pattern: string, path: string): Record<string, string> | null {
  const names = pattern.split('/');
  const parts = path.split('/');
  const values: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    const part = parts[index];
    const variable = /^\{([^}+]+)(\+?)\}$/.exec(name);
    if (part === undefined) return null;
    if (!variable) {
      if (part !== name) return null;
      continue;
    }
    const [, key = '', greedy] = variable;
    const value = greedy ? parts.slice(index).join('/') : part;
    const decoded = decode(value);
    if (value === '' || decoded === null) return null;
    values[key] = decoded;
    if (greedy) return values;
  }
  return parts.length === names.length ? values : null;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function weightOf({ method, path }: RoutePlan): number {
  const kind = path === '$default' ? 0 : path.includes('+}') ? 1 : 2;
  const fixed = path.split('/').filter((part) => !part.startsWith('{')).length;
  return kind * 1_000_000 + fixed * 1000 + path.split('/').length * 10 + (method === 'ANY' ? 0 : 1);
}
