import type { Clock } from '../../../shared/model/clock.ts';
import type { Callers } from '../aws/callers.ts';
import { verifySigV4 } from '../aws/sigv4.ts';
import type { FunctionPool } from '../lambda/pool.ts';
import { type Listener, type LocalAnswer, type LocalRequest, listen } from '../listener.ts';
import type { DoorPlan, RouteAuth } from '../template/plan.ts';
import { badGateway, type EventContext, toAnswer, toEvent } from './http-event.ts';
import type { VerifyJwt } from './jwt.ts';
import { matchRoute } from './routes.ts';

/** What a door needs. */
export type DoorDeps = {
  readonly poolOf: (functionName: string) => FunctionPool | undefined;
  readonly callers: Callers;
  readonly verifyJwt: VerifyJwt;
  readonly clock: Clock;
  /** What may be answered before the routes are looked at, such as the operators' page. */
  readonly statics?: (request: LocalRequest) => LocalAnswer | null;
};

/** Serves one door of the template on 127.0.0.1, as API Gateway or a Function URL does in AWS. */
export function serveDoor(
  deps: DoorDeps,
  door: DoorPlan,
  place: { readonly port: number; readonly hosts?: readonly string[]; readonly origins?: readonly string[] },
): Promise<Listener> {
  const handle = (request: LocalRequest) =>
    door.kind === 'url' ? serveUrl(deps, door, request) : serveApi(deps, door, request);
  return listen({ name: door.name, ...place, handle });
}

async function serveUrl(
  deps: DoorDeps,
  door: Extract<DoorPlan, { kind: 'url' }>,
  request: LocalRequest,
): Promise<LocalAnswer> {
  const context = { routeKey: '$default', apiId: door.name, nowMs: deps.clock.now() };
  return call(deps, door.functionName, request, context);
}

async function serveApi(
  deps: DoorDeps,
  door: Extract<DoorPlan, { kind: 'api' }>,
  request: LocalRequest,
): Promise<LocalAnswer> {
  const fixed = deps.statics?.(request) ?? null;
  if (fixed !== null) return fixed;
  const match = matchRoute(door.routes, request.method, request.target.split('?')[0] ?? '/');
  if (match === null) return json(404, 'Not Found');
  const { route, pathParameters } = match;
  const checked = await authorize(deps, route.auth, request);
  if (checked.kind === 'refused') return checked.answer;
  const routeKey = route.path === '$default' ? '$default' : `${route.method} ${route.path}`;
  const context: EventContext = {
    routeKey,
    apiId: door.name,
    nowMs: deps.clock.now(),
    ...(Object.keys(pathParameters).length > 0 ? { pathParameters } : {}),
    ...(checked.authorizer === undefined ? {} : { authorizer: checked.authorizer }),
  };
  return call(deps, route.functionName, request, context);
}

type Checked =
  | { readonly kind: 'passed'; readonly authorizer?: object }
  | { readonly kind: 'refused'; readonly answer: LocalAnswer };

async function authorize(deps: DoorDeps, auth: RouteAuth, request: LocalRequest): Promise<Checked> {
  if (auth === 'none') return { kind: 'passed' };
  if (auth === 'iam') {
    const userArn = verifySigV4(deps.callers, request, 'execute-api', deps.clock.now());
    if (userArn === null) return { kind: 'refused', answer: json(403, 'Forbidden') };
    return { kind: 'passed', authorizer: { iam: { userArn, accountId: '000000000000' } } };
  }
  const token = /^(?:Bearer )?([A-Za-z0-9_.-]+)$/i.exec(request.headers['authorization'] ?? '')?.[1];
  const claims = token === undefined ? null : await deps.verifyJwt(token, auth.audiences);
  if (claims === null) return { kind: 'refused', answer: json(401, 'Unauthorized', { 'www-authenticate': 'Bearer' }) };
  const granted = String(claims['scope'] ?? '').split(' ');
  if (auth.scopes.length > 0 && !auth.scopes.some((scope) => granted.includes(scope))) {
    return { kind: 'refused', answer: json(403, 'Forbidden') };
  }
  return {
    kind: 'passed',
    authorizer: { jwt: { claims: asTexts(claims), scopes: auth.scopes.length > 0 ? auth.scopes : null } },
  };
}

/** API Gateway hands claims on as text, lists in brackets. */
function asTexts(claims: Readonly<Record<string, unknown>>): Record<string, string> {
  const text = (value: unknown) => (Array.isArray(value) ? `[${value.join(' ')}]` : String(value));
  return Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, text(value)]));
}

async function call(
  deps: DoorDeps,
  functionName: string,
  request: LocalRequest,
  context: EventContext,
): Promise<LocalAnswer> {
  const pool = deps.poolOf(functionName);
  if (pool === undefined) return badGateway;
  const outcome = await pool.invoke(toEvent(request, context));
  return outcome.kind === 'returned' ? toAnswer(outcome.payload) : badGateway;
}

function json(status: number, message: string, headers: Readonly<Record<string, string>> = {}): LocalAnswer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ message }) };
}
