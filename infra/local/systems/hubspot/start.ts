import { type Clock, type Random, systemRandom } from '../../../../shared/model/clock.ts';
import { createEffectLog, type EffectLog, type LoggedRequest } from '../effect-log.ts';
import { createFaultBook, type Fault, type FaultBook } from '../faults.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { logged, runSimulator, type Simulator } from '../simulator.ts';
import { noStateFile, openStateFile, type StateFile } from '../state-file.ts';
import { adminRoute } from './admin.ts';
import { associationBatchRoute } from './associations.ts';
import type { Call } from './call.ts';
import { errorAnswer, HubSpotError, htmlError, notFound, rateLimited } from './errors.ts';
import { createLimiter, type HubSpotLimits, type Limiter, smallAccountLimits } from './limits.ts';
import { createOAuthServer, type OAuthApp, type OAuthServer } from './oauth.ts';
import { objectRoute } from './objects.ts';
import { openPortal, type Portal } from './portal.ts';
import { accountRoute, allScopes, pipelineRoute, propertyRoute } from './properties.ts';
import { seedPortal } from './seed.ts';
import { createWebhookSender, defaultRetryDelaysMs, type WebhookSender, type WebhookTarget } from './webhooks.ts';

/** How the simulated account is set up. Everything but port, seed and clock has a default. */
export type HubSpotOptions = {
  /** 0 takes a free one. */
  readonly port: number;
  readonly seed: number;
  readonly clock: Clock;
  readonly random?: Random;
  /** Keeps the portal in `hubspot.sqlite` there; absent: in memory only. */
  readonly stateDir?: string;
  readonly webhooks?: WebhookTarget;
  readonly retryDelaysMs?: readonly number[];
  readonly portalId?: number;
  readonly accountType?: 'STANDARD' | 'SANDBOX' | 'DEVELOPER_TEST' | 'APP_DEVELOPER';
  /** Bearer tokens that never expire. */
  readonly staticTokens?: readonly string[];
  readonly scopes?: readonly string[];
  readonly oauth?: Partial<OAuthApp>;
  readonly limits?: Partial<HubSpotLimits>;
  /** How long search does not see a change, milliseconds; default 1000. */
  readonly searchLagMs?: number;
  /** False starts with an empty portal. */
  readonly seeded?: boolean;
};

/** A running simulated account. */
export type HubSpotSimulator = Simulator & {
  readonly portal: Portal;
  readonly oauth: OAuthServer;
  readonly webhooks: WebhookSender;
};

const defaultApp: OAuthApp = {
  clientId: 'local-app',
  clientSecret: 'local-app-secret',
  refreshToken: 'local-refresh-token-1',
  redirectUri: 'http://127.0.0.1:8917/callback',
  accessTokenMs: 1_800_000,
  rotates: true,
  graceMs: 0,
};

type Deps = {
  portal: Portal;
  oauth: OAuthServer;
  limiter: Limiter;
  faults: FaultBook;
  webhooks: WebhookSender;
  file: StateFile;
  clock: Clock;
};

/**
 * Starts a stateful HubSpot account on 127.0.0.1: as strict as the real one where our connector depends on it.
 * It was built from HubSpot's published documents, not from a live account.
 */
export async function startHubSpot(options: HubSpotOptions): Promise<HubSpotSimulator> {
  const file = options.stateDir === undefined ? noStateFile : openStateFile(options.stateDir, 'hubspot');
  const effects = createEffectLog(file);
  const deps = file.atomically(() => assemble(options, file, effects));
  const { portal, oauth, faults, webhooks } = deps;
  const simulator = await runSimulator({
    ...{ port: options.port, state: portal, faults, stop: webhooks.close },
    handle: (request) => handle(deps, request),
  });
  webhooks.target(options.webhooks ?? null);
  return { ...simulator, portal, oauth, webhooks };
}

function assemble(options: HubSpotOptions, file: StateFile, effects: EffectLog): Deps {
  const { clock } = options;
  const portalId = options.portalId ?? 4711;
  const accountType = options.accountType ?? 'SANDBOX';
  const portal = openPortal({ portalId, accountType, searchLagMs: options.searchLagMs ?? 1000, clock, file, effects });
  if (options.seeded !== false && portal.objects.contacts.size === 0) seedPortal(portal, options.seed);
  const oauth = createOAuthServer({
    clock,
    random: options.random ?? systemRandom,
    file,
    app: { ...defaultApp, ...options.oauth },
    scopes: options.scopes ?? allScopes,
    staticTokens: options.staticTokens ?? ['local-static-token'],
    portalId,
  });
  const retryDelaysMs = options.retryDelaysMs ?? defaultRetryDelaysMs;
  const webhooks = createWebhookSender({ portal, clock, file, appId: 99_001, retryDelaysMs });
  portal.onChange = webhooks.onChange;
  const limiter = createLimiter(clock, { ...smallAccountLimits, ...options.limits });
  return { portal, oauth, limiter, faults: createFaultBook(), webhooks, file, clock };
}

async function handle(deps: Deps, request: SimRequest): Promise<SimAnswer> {
  if (request.path.startsWith('/_')) return adminRoute(deps, request);
  return logged({ state: deps.portal, faults: deps.faults }, request, async (fault, entry) =>
    fault === null ? serve(deps, request) : faulty(deps, request, fault, entry),
  );
}

async function faulty(deps: Deps, request: SimRequest, fault: Fault, entry: LoggedRequest): Promise<SimAnswer> {
  const commits = fault.afterCommit || fault.kind === 'commit_then_lose_response';
  const committed = commits ? serve(deps, request) : null;
  if (fault.ms > 0) await deps.clock.sleep(fault.ms);
  switch (fault.kind) {
    case 'slow':
      return committed ?? serve(deps, request);
    case 'rate_limited':
      return errorAnswer(rateLimited(fault.policyName));
    case 'html_error':
      return htmlError(fault.status ?? 502);
    case 'fail_before_commit':
    case 'server_error':
      return errorAnswer(new HubSpotError(fault.status ?? 500, 'INTERNAL_ERROR', 'internal error'));
    default:
      entry.status = 0;
      return 'drop';
  }
}

function serve(deps: Deps, request: SimRequest): SimAnswer {
  return deps.file.atomically(() => {
    try {
      if (request.segments[0] === 'oauth') return deps.oauth.route(request);
      return authenticated(deps, request);
    } catch (error) {
      if (error instanceof HubSpotError) return errorAnswer(error);
      return errorAnswer(new HubSpotError(500, 'INTERNAL_ERROR', 'internal error'));
    }
  });
}

function authenticated(deps: Deps, request: SimRequest): SimAnswer {
  const grant = deps.oauth.authenticate(request.headers.authorization);
  const isSearch = request.method === 'POST' && request.path.endsWith('/search');
  const limit = deps.limiter.take(grant.token, isSearch ? 'search' : 'other');
  try {
    if (limit.refused !== null) throw limit.refused;
    const answer = crmRoute(deps, request, new Set(grant.scopes));
    return answer === 'drop' ? answer : { ...answer, headers: { ...limit.headers, ...answer.headers } };
  } catch (error) {
    if (!(error instanceof HubSpotError)) throw error;
    const answer = errorAnswer(error);
    return answer === 'drop' ? answer : { ...answer, headers: { ...limit.headers, ...answer.headers } };
  }
}

function crmRoute(deps: Deps, request: SimRequest, scopes: ReadonlySet<string>): SimAnswer {
  const [root, ...segments] = request.segments;
  const { portal } = deps;
  if (request.path === '/account-info/v3/details' || /^\/account-info\/\d{4}-\d{2}\/details$/.test(request.path)) {
    return accountRoute({ portal, request, scopes, version: 'v3' });
  }
  const place = root === 'crm' ? locate(segments) : null;
  if (place === null) throw notFound(`No route for ${request.method} ${request.path}`);
  const call: Call = { portal, request, scopes, version: place.version };
  switch (place.area) {
    case 'objects':
      return objectRoute(call, place.rest);
    case 'properties':
      return propertyRoute(call, place.rest);
    case 'pipelines':
      return pipelineRoute(call, place.rest);
    case 'associations':
      return associationBatchRoute(call, place.rest);
    default:
      throw notFound(`No route for ${request.method} ${request.path}`);
  }
}

/** Numeric versions stand before the area (`/crm/v3/objects`), date versions after it (`/crm/objects/2026-09`). */
function locate(segments: readonly string[]): { area: string; version: string; rest: readonly string[] } | null {
  const [first = '', second = ''] = segments;
  const rest = segments.slice(2);
  if (/^v[34]$/.test(first)) return { area: second, version: first, rest };
  if (/^\d{4}-(03|09)$/.test(second) && second >= '2026-03') return { area: first, version: second, rest };
  return null;
}
