import { type Clock, type Random, systemRandom } from '../../../../shared/model/clock.ts';
import { createEffectLog, type LoggedRequest } from '../effect-log.ts';
import { createFaultBook, type Fault, type FaultBook } from '../faults.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { logged, runSimulator, type Simulator } from '../simulator.ts';
import { noStateFile, openStateFile, type StateFile } from '../state-file.ts';
import { adminRoute } from './admin.ts';
import { errorAnswer, GraphError, htmlError, SignInError, type Trace, tooMany } from './errors.ts';
import { createNotificationSender, type NotificationSender, type NotificationTarget } from './notifications.ts';
import { type Application, createOAuthServer, everyRole, type OAuthServer } from './oauth.ts';
import { graphRoute } from './routes.ts';
import { seedTenant } from './seed.ts';
import { guidOf, openTenant, type Tenant } from './tenant.ts';

/** How the simulated tenant is set up. Everything but port, seed and clock has a default. */
export type GraphOptions = {
  /** 0 takes a free one. */
  readonly port: number;
  readonly seed: number;
  readonly clock: Clock;
  readonly random?: Random;
  /** Keeps the tenant in `graph.sqlite` there; absent: in memory only. */
  readonly stateDir?: string;
  readonly tenantId?: string;
  /** What brings mailboxes; the developer program's by default, which makes the tenant a sandbox. */
  readonly licences?: readonly string[];
  /** Bearer tokens that never end and may do everything. */
  readonly staticTokens?: readonly string[];
  readonly app?: Partial<Application>;
  /** Takes requests without a credential, as Microsoft's own client sends them over plain http. */
  readonly open?: boolean;
  readonly webhooks?: NotificationTarget;
  readonly retryDelaysMs?: readonly number[];
  /** Requests in ten minutes before all are refused; default 10,000, as a mailbox has. */
  readonly perTenMinutes?: number;
  /** False starts with an empty tenant. */
  readonly seeded?: boolean;
};

/** A running simulated tenant. */
export type GraphSimulator = Simulator & {
  readonly tenant: Tenant;
  readonly oauth: OAuthServer;
  readonly webhooks: NotificationSender;
};

type Deps = {
  readonly tenant: Tenant;
  readonly oauth: OAuthServer;
  readonly faults: FaultBook;
  readonly notifications: NotificationSender;
  readonly open: boolean;
  readonly perTenMinutes: number;
  readonly recentMs: number[];
  requests: number;
};

/** The tenant of the local target. */
export const simulatedTenantId = '11111111-2222-4333-8444-555555555555';

const defaultApp: Application = {
  clientId: 'local-app',
  clientSecret: 'local-app-secret',
  roles: everyRole,
  tokenMs: 3_599_000,
};
const tenMinutesMs = 600_000;

/**
 * Starts a stateful Microsoft 365 tenant on 127.0.0.1 with the token endpoint beside it: as strict as the real one where our
 * connector depends on it. It was built from Microsoft's published documents and its official client, not from a live tenant.
 */
export async function startGraph(options: GraphOptions): Promise<GraphSimulator> {
  const file = options.stateDir === undefined ? noStateFile : openStateFile(options.stateDir, 'graph');
  const deps = file.atomically(() => assemble(options, file));
  const { tenant, oauth, faults, notifications } = deps;
  const simulator = await runSimulator({
    ...{ port: options.port, state: tenant, faults, stop: notifications.close },
    handle: (request) => handle(deps, request),
  });
  if (options.webhooks) notifications.target(options.webhooks);
  return { ...simulator, tenant, oauth, webhooks: notifications };
}

function assemble(options: GraphOptions, file: StateFile): Deps {
  const { clock } = options;
  const tenant = openTenant({
    tenantId: options.tenantId ?? simulatedTenantId,
    licences: options.licences ?? ['DEVELOPERPACK_E5'],
    ...{ clock, file, effects: createEffectLog(file) },
  });
  if (options.seeded !== false && tenant.users.size === 0) seedTenant(tenant, options.seed);
  const notifications = createNotificationSender(tenant, options.retryDelaysMs);
  tenant.onChange = notifications.onChange;
  const oauth = createOAuthServer({
    ...{ clock, file, random: options.random ?? systemRandom, tenantId: tenant.tenantId },
    app: { ...defaultApp, ...options.app },
    staticTokens: options.staticTokens ?? ['local-static-token'],
    open: options.open ?? false,
  });
  return {
    ...{ tenant, oauth, notifications, faults: createFaultBook(), open: options.open ?? false },
    ...{ perTenMinutes: options.perTenMinutes ?? 10_000, recentMs: [], requests: 0 },
  };
}

async function handle(deps: Deps, arrived: SimRequest): Promise<SimAnswer> {
  const { tenant } = deps;
  const request = deps.open ? unfolded(arrived) : arrived;
  if (request.path.startsWith('/_')) return adminRoute(deps, request);
  deps.requests += 1;
  return logged({ state: tenant, faults: deps.faults }, request, async (fault, entry) => {
    const trace = traceOf(deps, request);
    const refused = fault === null ? await unreachable(deps, request) : null;
    const answer = refused
      ? errorAnswer(refused, trace)
      : fault === null
        ? serve(deps, request, trace)
        : await faulty(deps, { request, fault, entry, trace });
    if (answer === 'drop') return answer;
    const ids = { 'request-id': trace.requestId, 'client-request-id': trace.clientRequestId };
    return { ...answer, headers: { ...answer.headers, ...ids } };
  });
}

/** Microsoft's client takes only https links for whole: one over plain http it puts behind its own base. */
function unfolded(request: SimRequest): SimRequest {
  const path = request.path.replace(/^\/v1\.0\/http:\/\/(127\.0\.0\.1|localhost):[0-9]{1,5}(?=\/)/, '');
  return { ...request, path, segments: path.split('/').slice(1).map(decodeURIComponent) };
}

function traceOf({ tenant, requests }: Deps, request: SimRequest): Trace {
  const requestId = guidOf('request', requests, tenant.clock.now());
  return { requestId, clientRequestId: request.headers['client-request-id'] ?? requestId, atMs: tenant.clock.now() };
}

/** The addresses of a new subscription are asked whether they are ours, before anything is written. */
async function unreachable({ notifications }: Deps, request: SimRequest): Promise<GraphError | null> {
  if (request.method !== 'POST' || !/^\/v1\.0\/subscriptions$/i.test(request.path)) return null;
  let body: Record<string, unknown>;
  try {
    body = JSON.parse(request.bodyText) as Record<string, unknown>;
  } catch {
    return null;
  }
  for (const name of ['notificationUrl', 'lifecycleNotificationUrl']) {
    const url = body[name];
    if (typeof url !== 'string' || (await notifications.validates(url))) continue;
    const message = `Subscription validation request failed for ${name}. Must respond with 200 OK to this request.`;
    return new GraphError(400, 'ValidationError', message);
  }
  return null;
}

type Faulty = {
  readonly request: SimRequest;
  readonly fault: Fault;
  readonly entry: LoggedRequest;
  readonly trace: Trace;
};

async function faulty(deps: Deps, { request, fault, entry, trace }: Faulty): Promise<SimAnswer> {
  const commits = fault.afterCommit || fault.kind === 'commit_then_lose_response';
  const committed = commits ? serve(deps, request, trace) : null;
  if (fault.ms > 0) await deps.tenant.clock.sleep(fault.ms);
  switch (fault.kind) {
    case 'slow':
      return committed ?? serve(deps, request, trace);
    case 'rate_limited':
      return errorAnswer(tooMany({ DAILY: 3600, TEN_SECONDLY_ROLLING: 10, SECONDLY: 1 }[fault.policyName]), trace);
    case 'html_error':
      return htmlError(fault.status ?? 503);
    case 'fail_before_commit':
    case 'server_error':
      return errorAnswer(serverError(fault.status ?? 500), trace);
    default:
      entry.status = 0;
      return 'drop';
  }
}

function serverError(status: number): GraphError {
  const codes: Readonly<Record<number, string>> = { 503: 'serviceNotAvailable', 504: 'UnknownError' };
  const more = status === 503 ? { headers: { 'retry-after': '5' } } : {};
  return new GraphError(status, codes[status] ?? 'generalException', 'An unexpected error occurred.', more);
}

function serve(deps: Deps, request: SimRequest, trace: Trace): SimAnswer {
  return deps.tenant.file.atomically(() => {
    try {
      if (request.method === 'POST' && /^\/[^/]+\/oauth2\/v2\.0\/token$/.test(request.path)) {
        return deps.oauth.token(request, deps.tenant.knobs.secretExpired);
      }
      limit(deps);
      return graphRoute(deps, request, trace);
    } catch (error) {
      if (error instanceof GraphError || error instanceof SignInError) return errorAnswer(error, trace);
      return errorAnswer(serverError(500), trace);
    }
  });
}

function limit({ tenant, recentMs, perTenMinutes }: Deps): void {
  const nowMs = tenant.clock.now();
  while ((recentMs[0] ?? nowMs) <= nowMs - tenMinutesMs) recentMs.shift();
  if (recentMs.length >= perTenMinutes)
    throw tooMany(Math.ceil(((recentMs[0] ?? nowMs) + tenMinutesMs - nowMs) / 1000));
  recentMs.push(nowMs);
}
