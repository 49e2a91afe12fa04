import { type Clock, type Random, systemRandom } from '../../../../shared/model/clock.ts';
import { createEffectLog, type LoggedRequest } from '../effect-log.ts';
import { createFaultBook, type Fault, type FaultBook } from '../faults.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { logged, runSimulator, type Simulator } from '../simulator.ts';
import { noStateFile, openStateFile, type StateFile } from '../state-file.ts';
import { adminRoute } from './admin.ts';
import { ingestRoute } from './bulk.ts';
import type { Call } from './call.ts';
import { collectionRoute } from './collections.ts';
import { batchRoute, compositeRoute } from './composite.ts';
import { errorAnswer, htmlError, json, limitExceeded, notFound, OAuthError, SalesforceError } from './errors.ts';
import { identityRoute, resourcesAnswer, versionsAnswer } from './identity.ts';
import { type ConnectedApp, createOAuthServer, type OAuthServer } from './oauth.ts';
import { type Org, openOrg, serviceUser, transact } from './org.ts';
import { createOutboundSender, defaultRetryDelaysMs, type OutboundSender } from './outbound.ts';
import { type QueryDeps, queryRoute } from './query.ts';
import { queryJobRoute } from './query-jobs.ts';
import { seedOrg } from './seed.ts';
import { sobjectRoute } from './sobjects.ts';

/** How the simulated organization is set up. Everything but port, seed and clock has a default. */
export type SalesforceOptions = {
  /** 0 takes a free one. */
  readonly port: number;
  readonly seed: number;
  readonly clock: Clock;
  readonly random?: Random;
  /** Keeps the organization in `salesforce.sqlite` there; absent: in memory only. */
  readonly stateDir?: string;
  readonly organizationId?: string;
  readonly isSandbox?: boolean;
  /** Bearer tokens that never end. */
  readonly staticTokens?: readonly string[];
  readonly app?: Partial<ConnectedApp>;
  /** Calls in 24 hours; default 15,000. */
  readonly dailyCalls?: number;
  /** Records of a page of a query; default 2,000, as Salesforce has it. */
  readonly batchSize?: number;
  /** Milliseconds between the attempts of outbound messages. */
  readonly retryDelaysMs?: readonly number[];
  /** False starts with an empty organization. */
  readonly seeded?: boolean;
};

/** A running simulated organization. */
export type SalesforceSimulator = Simulator & {
  readonly org: Org;
  readonly oauth: OAuthServer;
  readonly webhooks: OutboundSender;
};

type Deps = {
  readonly org: Org;
  readonly oauth: OAuthServer;
  readonly webhooks: OutboundSender;
  readonly faults: FaultBook;
  readonly query: QueryDeps;
  readonly dailyCalls: number;
  readonly callsAtMs: number[];
};

const defaultApp: ConnectedApp = {
  clientId: 'local-app',
  clientSecret: 'local-app-secret',
  refreshToken: 'local-refresh-token-1',
  rotates: false,
  sessionMs: 7_200_000,
  runAs: true,
  username: 'service@example.com',
  password: null,
  jwtPublicKey: null,
  jwtAccessTokens: false,
};

const dayMs = 86_400_000;
const oldest = 46;

/**
 * Starts a stateful Salesforce organization on 127.0.0.1: as strict as the real one where our connector depends on it.
 * It was built from Salesforce's published documents, not from a live organization.
 */
export async function startSalesforce(options: SalesforceOptions): Promise<SalesforceSimulator> {
  const file = options.stateDir === undefined ? noStateFile : openStateFile(options.stateDir, 'salesforce');
  const deps = file.atomically(() => assemble(options, file));
  const { org, oauth, faults, webhooks } = deps;
  org.onChange = (row) => webhooks.onChange(row);
  const simulator = await runSimulator({
    ...{ port: options.port, state: org, faults, stop: webhooks.close },
    handle: (request) => handle(deps, request),
  });
  return { ...simulator, org, oauth, webhooks };
}

function assemble(options: SalesforceOptions, file: StateFile): Deps {
  const { clock } = options;
  const org = openOrg({
    organizationId: options.organizationId ?? '00D000000000001EAA',
    isSandbox: options.isSandbox ?? true,
    ...{ clock, file, effects: createEffectLog(file) },
  });
  if (options.seeded !== false && org.rows.Account.size === 0) seedOrg(org, options.seed);
  const oauth = createOAuthServer({
    ...{ clock, file, random: options.random ?? systemRandom, app: { ...defaultApp, ...options.app } },
    staticTokens: options.staticTokens ?? ['local-static-token'],
    identity: { organizationId: org.organizationId, userId: serviceUser(org) },
    instanceUrl: (request) => org.knobs.instanceUrl ?? `http://${request.headers.host ?? ''}`,
  });
  const query = { cursors: new Map(), batchSize: options.batchSize ?? 2000 };
  const { dailyCalls = 15_000, retryDelaysMs = defaultRetryDelaysMs } = options;
  const webhooks = createOutboundSender({ org, clock, file, retryDelaysMs });
  return { org, oauth, query, webhooks, faults: createFaultBook(), dailyCalls, callsAtMs: [] };
}

async function handle(deps: Deps, request: SimRequest): Promise<SimAnswer> {
  const { org } = deps;
  if (request.path.startsWith('/_')) return adminRoute(deps, request);
  return logged({ state: org, faults: deps.faults }, request, async (fault, entry) => {
    const answer = fault === null ? serve(deps, request) : await faulty(deps, request, fault, entry);
    return answer === 'drop' ? answer : { ...answer, headers: { ...answer.headers, 'sforce-limit-info': usage(deps) } };
  });
}

function usage({ callsAtMs, dailyCalls }: Deps): string {
  return `api-usage=${callsAtMs.length}/${dailyCalls}`;
}

async function faulty(deps: Deps, request: SimRequest, fault: Fault, entry: LoggedRequest): Promise<SimAnswer> {
  const commits = fault.afterCommit || fault.kind === 'commit_then_lose_response';
  const committed = commits ? serve(deps, request) : null;
  if (fault.ms > 0) await deps.org.clock.sleep(fault.ms);
  switch (fault.kind) {
    case 'slow':
      return committed ?? serve(deps, request);
    case 'rate_limited':
      return errorAnswer(limitExceeded(fault.policyName === 'DAILY' ? 'TotalRequests' : 'ConcurrentRequests'));
    case 'html_error':
      return htmlError(fault.status ?? 503);
    case 'fail_before_commit':
    case 'server_error': {
      const code = fault.status === 503 ? 'SERVER_UNAVAILABLE' : 'UNKNOWN_EXCEPTION';
      return errorAnswer(new SalesforceError(fault.status ?? 500, code, 'An unexpected error occurred.'));
    }
    default:
      entry.status = 0;
      return 'drop';
  }
}

function serve(deps: Deps, request: SimRequest): SimAnswer {
  return deps.org.file.atomically(() => {
    try {
      if (request.path === '/services/oauth2/token' && request.method === 'POST') return deps.oauth.token(request);
      if (/^\/services\/data\/?$/.test(request.path)) return versionsAnswer();
      return identityRoute(deps, request) ?? authenticated(deps, request);
    } catch (error) {
      if (error instanceof SalesforceError || error instanceof OAuthError) return errorAnswer(error);
      return errorAnswer(new SalesforceError(500, 'UNKNOWN_EXCEPTION', 'An unexpected error occurred.'));
    }
  });
}

function authenticated(deps: Deps, request: SimRequest): SimAnswer {
  const { org, callsAtMs } = deps;
  if (org.knobs.rejectsSessions) throw new SalesforceError(401, 'INVALID_SESSION_ID', 'Session expired or invalid');
  deps.oauth.authenticate(request.headers.authorization);
  const nowMs = org.clock.now();
  while ((callsAtMs[0] ?? nowMs) <= nowMs - dayMs) callsAtMs.shift();
  if (callsAtMs.length >= deps.dailyCalls) throw limitExceeded('TotalRequests');
  callsAtMs.push(nowMs);
  const [services, data, version, ...rest] = request.segments;
  if (services !== 'services' || data !== 'data') throw notFound();
  const number = /^v(\d{2,3}\.0)$/.exec(version ?? '')?.[1];
  if (number === undefined || Number(number) < oldest) throw notFound();
  const body = bodyOf(request);
  return transact(org, (tx) => route(deps, { org, request, version: number, rest, body, tx }));
}

/** @throws SalesforceError 400, 415 */
function bodyOf(request: SimRequest): unknown {
  if (request.bodyText === '') return null;
  if (request.method === 'PUT' && /\/jobs\/ingest\/[^/]+\/batches$/.test(request.path)) return null;
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new SalesforceError(415, 'UNSUPPORTED_MEDIA_TYPE', 'The content type is not application/json');
  }
  try {
    return JSON.parse(request.bodyText);
  } catch {
    throw new SalesforceError(400, 'JSON_PARSER_ERROR', 'Unexpected character at [line:1, column:1]');
  }
}

function route(deps: Deps, call: Call): SimAnswer {
  const [area = '', second] = call.rest;
  if (area === '') return resourcesAnswer(deps, call.request, call.version);
  if (area === 'query' || area === 'queryAll') return queryRoute(deps.query, call);
  if (area === 'sobjects') return sobjectRoute(call);
  if (area === 'limits' && call.rest.length === 1) {
    const Remaining = deps.dailyCalls - deps.callsAtMs.length;
    return json(200, { DailyApiRequests: { Max: deps.dailyCalls, Remaining } });
  }
  if (area === 'jobs' && second === 'ingest') return ingestRoute(call);
  if (area === 'jobs' && second === 'query') return queryJobRoute(call);
  if (area === 'composite' && second === 'sobjects') return collectionRoute(call);
  if (area === 'composite' && second === undefined && call.request.method === 'POST') {
    return compositeRoute(call, (inner) => route(deps, inner));
  }
  if (area === 'composite' && second === 'batch' && call.request.method === 'POST') {
    return batchRoute(call, (inner) => route(deps, inner));
  }
  throw notFound();
}
