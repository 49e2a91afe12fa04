import { PlumblineError } from '../../model/errors.ts';
import { principalId } from '../../model/principal.ts';
import { actionRoutes } from './actions.ts';
import { caseRoutes } from './cases.ts';
import { consoleFile } from './console.ts';
import { controlRoutes } from './control.ts';
import { credentialRoutes } from './credentials.ts';
import type { OperatorApiDeps, Route } from './deps.ts';
import { eventRoutes } from './events.ts';
import { healthRoutes } from './health.ts';
import { forbidden, type OperatorRequest, problem, type Reply, unauthenticated } from './http.ts';
import { keyRoutes } from './keys.ts';
import { resolutionRoutes } from './resolution.ts';
import { runRoutes } from './runs.ts';

/** Every route of the operator door; the matrix of credentials and routes is tested over this list. */
export const operatorRoutes: readonly Route[] = [
  ...caseRoutes,
  ...resolutionRoutes,
  ...eventRoutes,
  ...runRoutes,
  ...actionRoutes,
  ...controlRoutes,
  ...keyRoutes,
  ...healthRoutes,
  ...credentialRoutes,
];

/**
 * Answers one request at the operator door. Order: the console's public files, who it is, which route, which role, the route.
 * Without a person's token nothing is said about which routes exist. Every fault is a problem answer; none is thrown.
 */
export async function answerOperator(deps: OperatorApiDeps, request: OperatorRequest): Promise<Reply> {
  try {
    const shown = request.method === 'GET' ? consoleFile(deps.console, request.path) : null;
    if (shown) return shown;
    const auth = await deps.authenticate(request.headers.authorization);
    if (auth.kind === 'refused') {
      deps.log.metric('OperatorRefused', 1, 'Count', {});
      deps.log.warn('operator refused', { requestId: request.requestId, reason: auth.why });
      return unauthenticated();
    }
    const found = findRoute(request);
    if (found.kind === 'problem') return found.reply;
    const { roles } = auth.operator.principal;
    if (!found.route.roles.some((role) => roles.includes(role))) {
      return forbidden(`This needs the role ${found.route.roles.join(' or ')}.`);
    }
    const person = principalId(auth.operator.principal);
    return await found.route.handle(deps, { request, operator: auth.operator, person, id: found.id });
  } catch (fault) {
    return faultReply(deps, request, fault);
  }
}

type Found =
  | { readonly kind: 'route'; readonly route: Route; readonly id: string }
  | { readonly kind: 'problem'; readonly reply: Reply };

function findRoute(request: OperatorRequest): Found {
  const matching = operatorRoutes.flatMap((route) => {
    const id = idIn(route.path, request.path);
    return id === null ? [] : [{ kind: 'route' as const, route, id }];
  });
  const found = matching.find(({ route }) => route.method === request.method);
  if (found) return found;
  const allow = [...new Set(matching.map(({ route }) => route.method))].join(', ');
  const detail = matching.length > 0 ? `This path answers ${allow}.` : 'There is no such path at this door.';
  const hint = 'The paths of this door are listed in docs/operate.md.';
  const reply =
    matching.length > 0
      ? problem(405, { code: 'method_not_allowed', detail, hint, headers: { allow } })
      : problem(404, { code: 'unknown_route', detail, hint });
  return { kind: 'problem', reply };
}

/** The decoded part that `{id}` stands for, '' for a path without one, null where the path is another. */
function idIn(pattern: string, path: string): string | null {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return null;
  let id = '';
  for (const [i, part] of wanted.entries()) {
    const actual = given[i] ?? '';
    if (part !== '{id}') {
      if (part !== actual) return null;
      continue;
    }
    try {
      id = decodeURIComponent(actual);
    } catch {
      return null;
    }
    if (id === '' || id.length > 600) return null;
  }
  return id;
}

function faultReply(deps: OperatorApiDeps, request: OperatorRequest, fault: unknown): Reply {
  const known = fault instanceof PlumblineError;
  const code = known ? fault.code : 'internal';
  deps.log.error('operator request failed', { requestId: request.requestId, code }, fault);
  const status = code === 'store_unavailable' || code === 'switched_off' ? 503 : 500;
  const detail = known ? 'This could not be done now.' : 'Something went wrong here.';
  return problem(status, {
    code,
    detail,
    hint: known ? fault.hint : 'Look at the log of this request id, then try again.',
  });
}
