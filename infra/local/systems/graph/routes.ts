import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { batchRoute } from './batch.ts';
import { calendarRoute } from './calendar.ts';
import type { Call } from './call.ts';
import { deltaRoute } from './delta.ts';
import { licencesRoute, organizationRoute, usersRoute } from './directory.ts';
import { errorAnswer, GraphError, resourceNotFound, type Trace, unknownSegment } from './errors.ts';
import { mailRoute } from './mail.ts';
import type { OAuthServer } from './oauth.ts';
import { metadata } from './schema.ts';
import { subscriptionsRoute } from './subscriptions.ts';
import { type Tenant, userOf } from './tenant.ts';

/** What answers requests to Graph itself. */
export type RouteDeps = { readonly tenant: Tenant; readonly oauth: OAuthServer };

/** One request under `/v1.0`, or one inside a batch. @throws GraphError */
export function graphRoute(deps: RouteDeps, request: SimRequest, trace: Trace): SimAnswer {
  const { tenant, oauth } = deps;
  const [version, ...segments] = request.segments;
  if (version !== 'v1.0') throw new GraphError(400, 'BadRequest', `Invalid version: ${String(version).slice(0, 20)}.`);
  // The description of the types is open to everybody.
  if (segments[0] === '$metadata' && request.method === 'GET') {
    return { status: 200, headers: { 'content-type': 'application/xml' }, bodyText: metadata(tenant.knobs.hidden) };
  }
  if (tenant.knobs.rejectsTokens) {
    throw new GraphError(401, 'InvalidAuthenticationToken', 'Lifetime validation failed, the token is expired.');
  }
  const roles = oauth.authenticate(request.headers.authorization);
  const call: Call = { tenant, request, roles, rest: restOf(segments), body: bodyOf(request) };
  if (call.rest[0] === '$batch' && request.method === 'POST') {
    return batchRoute(call, (inner) => guarded(deps, inner, trace));
  }
  return route(call);
}

/** A request inside a batch fails for itself. */
function guarded(deps: RouteDeps, request: SimRequest, trace: Trace): SimAnswer {
  try {
    return graphRoute(deps, request, trace);
  } catch (error) {
    if (error instanceof GraphError) return errorAnswer(error, trace);
    throw error;
  }
}

/** `users('x')` and `users/x` are the same. */
function restOf(segments: readonly string[]): readonly string[] {
  return segments.flatMap((segment) => {
    const match = /^([A-Za-z]+)\('([^']+)'\)$/.exec(segment);
    return match ? [match[1] ?? '', match[2] ?? ''] : [segment];
  });
}

function bodyOf({ bodyText }: SimRequest): unknown {
  try {
    return bodyText === '' ? null : JSON.parse(bodyText);
  } catch {
    return null;
  }
}

function route(call: Call): SimAnswer {
  const [area, name, list] = call.rest;
  if (area === 'organization' && name === undefined) return organizationRoute(call);
  if (area === 'subscribedSkus' && name === undefined) return licencesRoute(call);
  if (area === 'subscriptions') return subscriptionsRoute(call);
  if (area !== 'users') throw unknownSegment(area ?? '');
  if (name === 'delta') return deltaRoute(call, null);
  const user = name === undefined ? null : userOf(call.tenant, name);
  if (list === undefined) return usersRoute(call, user, name);
  if (!user) throw resourceNotFound(name ?? '');
  if (!user.hasMailbox) {
    const message = 'The mailbox is either inactive, soft-deleted, or is hosted on-premise.';
    throw new GraphError(404, 'MailboxNotEnabledForRESTAPI', message);
  }
  if (call.rest.at(-1) === 'delta') return deltaRoute(call, user);
  if (['messages', 'mailFolders', 'sendMail'].includes(list)) return mailRoute(call, user);
  if (list === 'events' || list === 'calendarView') return calendarRoute(call, user);
  throw unknownSegment(list);
}
