import type { Clock } from '../../../../shared/model/clock.ts';
import { createEffectLog, type LoggedRequest } from '../effect-log.ts';
import { createFaultBook, type Fault, type FaultBook } from '../faults.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { logged, runSimulator, type Simulator } from '../simulator.ts';
import { noStateFile, openStateFile, type StateFile } from '../state-file.ts';
import { type Account, openAccount } from './account.ts';
import { adminRoute, type Knobs } from './admin.ts';
import type { Call } from './call.ts';
import { errorAnswer, htmlError, invalid, lockTimeout, rateLimited, StripeError, serverError } from './errors.ts';
import { parseForm } from './form.ts';
import { createKeyStore, type KeyStore } from './idempotency.ts';
import { apiRoute } from './routes.ts';
import { seedAccount } from './seed.ts';
import { createWebhookSender, defaultRetryDelaysMs, type WebhookSender, type WebhookTarget } from './webhooks.ts';

/** How the simulated account is set up. Everything but port, seed and clock has a default. */
export type StripeOptions = {
  /** 0 takes a free one. */
  readonly port: number;
  readonly seed: number;
  readonly clock: Clock;
  /** Keeps the account in `stripe.sqlite` there; absent: in memory only. */
  readonly stateDir?: string;
  readonly webhooks?: WebhookTarget;
  readonly retryDelaysMs?: readonly number[];
  readonly accountId?: string;
  readonly livemode?: boolean;
  readonly apiVersion?: string;
  /** Keys it accepts: null may do everything, a list is what a restricted key may. */
  readonly keys?: Readonly<Record<string, readonly string[] | null>>;
  /** Requests a second; default 25, as a sandbox has. */
  readonly perSecond?: number;
  /** How long search does not see a change, milliseconds; default 1000. */
  readonly searchLagMs?: number;
  /** False starts with an empty account. */
  readonly seeded?: boolean;
};

/** A running simulated account. */
export type StripeSimulator = Simulator & {
  readonly account: Account;
  readonly keys: KeyStore;
  readonly webhooks: WebhookSender;
  readonly knobs: Knobs;
};

type Deps = {
  readonly account: Account;
  readonly keys: KeyStore;
  readonly faults: FaultBook;
  readonly webhooks: WebhookSender;
  readonly knobs: Knobs;
  readonly file: StateFile;
  readonly clock: Clock;
  readonly accepted: Readonly<Record<string, readonly string[] | null>>;
  readonly perSecond: number;
  readonly recent: number[];
  requests: number;
};

/**
 * Starts a stateful Stripe account on 127.0.0.1: as strict as the real one where our connector depends on it.
 * It was built from Stripe's published documents and its official client, not from a live account.
 */
export async function startStripe(options: StripeOptions): Promise<StripeSimulator> {
  const file = options.stateDir === undefined ? noStateFile : openStateFile(options.stateDir, 'stripe');
  const deps = file.atomically(() => assemble(options, file));
  const { account, keys, faults, webhooks, knobs } = deps;
  const simulator = await runSimulator({
    ...{ port: options.port, state: account, faults, stop: webhooks.close },
    handle: (request) => handle(deps, request),
  });
  webhooks.target(options.webhooks ?? null);
  return { ...simulator, account, keys, webhooks, knobs };
}

function assemble(options: StripeOptions, file: StateFile): Deps {
  const { clock } = options;
  const account = openAccount({
    accountId: options.accountId ?? 'acct_1SimulatedPlumbline',
    livemode: options.livemode ?? false,
    apiVersion: options.apiVersion ?? '2026-10-28.endive',
    searchLagMs: options.searchLagMs ?? 1000,
    ...{ clock, file, effects: createEffectLog(file) },
  });
  if (options.seeded !== false && account.entries.customer.size === 0) seedAccount(account, options.seed);
  const webhooks = createWebhookSender(account, options.retryDelaysMs ?? defaultRetryDelaysMs);
  account.onEvent = webhooks.onEvent;
  return {
    ...{ account, webhooks, file, clock },
    keys: createKeyStore(clock, file),
    faults: createFaultBook(),
    knobs: { declines: [], locks: 0, hidden: new Set() },
    accepted: options.keys ?? { 'local-static-token': null },
    perSecond: options.perSecond ?? 25,
    recent: [],
    requests: 0,
  };
}

async function handle(deps: Deps, request: SimRequest): Promise<SimAnswer> {
  if (request.path.startsWith('/_')) return adminRoute(deps, request);
  deps.requests += 1;
  const id = `req_sim${deps.clock.now().toString(36)}${deps.requests.toString(36).padStart(4, '0')}`;
  return logged({ state: deps.account, faults: deps.faults }, request, async (fault, entry) => {
    const answer = await guarded(deps, request, fault, { id, entry });
    return answer === 'drop' ? answer : dressed(deps, request, answer, id);
  });
}

type Under = { readonly id: string; readonly entry: LoggedRequest };

/** Everything before the endpoint begins: what stands in front of the API, the key of the caller, its idempotency key. */
async function guarded(deps: Deps, request: SimRequest, fault: Fault | null, under: Under): Promise<SimAnswer> {
  const early = fault && !fault.afterCommit ? inFront(fault) : null;
  if (early) {
    if (fault && fault.ms > 0) await deps.clock.sleep(fault.ms);
    return early instanceof StripeError ? errorAnswer(early, under.id) : early;
  }
  const key = request.method === 'POST' ? request.headers['idempotency-key'] : undefined;
  try {
    const permissions = authenticate(deps, request);
    limit(deps);
    const replay = key === undefined ? null : deps.keys.begin(key, request);
    if (replay) return replay;
    return await begun(deps, request, fault, { ...under, key, permissions });
  } catch (error) {
    if (error instanceof StripeError) return errorAnswer(error, under.id);
    throw error;
  }
}

/** What never reaches the API. */
function inFront(fault: Fault): SimAnswer | StripeError | null {
  switch (fault.kind) {
    case 'reset':
      return 'drop';
    case 'html_error':
      return htmlError(fault.status ?? 502);
    case 'rate_limited':
      return rateLimited(
        { DAILY: 'resource-specific', TEN_SECONDLY_ROLLING: 'global-rate', SECONDLY: 'endpoint-rate' }[
          fault.policyName
        ],
      );
    case 'fail_before_commit':
      return serverError(fault.status ?? 500, false);
    default:
      return null;
  }
}

type Begun = Under & { readonly key: string | undefined; readonly permissions: ReadonlySet<string> | null };

/** The endpoint works; what it answers is kept under the key, also where the answer gets lost or is a 500. */
async function begun(deps: Deps, request: SimRequest, fault: Fault | null, under: Begun): Promise<SimAnswer> {
  let kept: SimAnswer | null = null;
  try {
    if (fault?.kind === 'slow' && !fault.afterCommit) await deps.clock.sleep(fault.ms);
    const fails = fault?.kind === 'server_error' ? errorAnswer(serverError(fault.status ?? 500, true), under.id) : null;
    const done = fails && !fault?.afterCommit ? { answer: fails, begun: true } : execute(deps, request, under);
    const answer = fails ?? done.answer;
    kept = done.begun ? answer : null;
    if (fault && fault.ms > 0 && (fault.afterCommit || fault.kind !== 'slow')) await deps.clock.sleep(fault.ms);
    if (fault?.kind === 'commit_then_lose_response' || fault?.kind === 'reset') return 'drop';
    return fault?.kind === 'html_error' ? htmlError(fault.status ?? 502) : answer;
  } finally {
    const answer = kept === null ? null : { id: under.id, kept };
    if (under.key !== undefined) deps.file.atomically(() => deps.keys.end(under.key ?? '', request, answer));
  }
}

function execute(deps: Deps, request: SimRequest, under: Begun): { answer: SimAnswer; begun: boolean } {
  return deps.file.atomically(() => {
    try {
      if (request.method !== 'GET' && deps.knobs.locks > 0) {
        deps.knobs.locks -= 1;
        throw lockTimeout();
      }
      const call: Call = {
        account: deps.account,
        request,
        params: paramsOf(request),
        origin: { requestId: under.id, key: under.key ?? null },
        permissions: under.permissions,
        declines: { next: () => deps.knobs.declines.shift() ?? null },
      };
      return { answer: apiRoute(call), begun: true };
    } catch (error) {
      if (error instanceof StripeError) return { answer: errorAnswer(error, under.id), begun: error.begun };
      return { answer: errorAnswer(serverError(500, true), under.id), begun: true };
    }
  });
}

function paramsOf(request: SimRequest) {
  if (request.bodyText === '') return parseForm(request.query);
  if (!/^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '')) {
    throw invalid('Invalid request (check that your POST content type is application/x-www-form-urlencoded).');
  }
  return parseForm(new URLSearchParams(request.bodyText));
}

/** The permissions of the key. @throws StripeError 401 */
function authenticate(deps: Deps, request: SimRequest): ReadonlySet<string> | null {
  const given = request.headers.authorization ?? '';
  const basic = /^basic (.+)$/i.exec(given)?.[1];
  const key = basic
    ? Buffer.from(basic, 'base64').toString().replace(/:.*$/s, '')
    : (/^bearer (.+)$/i.exec(given)?.[1] ?? '');
  const refuse = (message: string) => new StripeError(401, { type: 'invalid_request_error', message });
  if (key === '') {
    throw refuse(
      "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
    );
  }
  if (!Object.hasOwn(deps.accepted, key))
    throw refuse(`Invalid API Key provided: ${key.slice(0, 8)}*****${key.slice(-4)}`);
  const version = request.headers['stripe-version'];
  if (version !== undefined && !/^20[0-9]{2}-[0-9]{2}-[0-9]{2}(\.[a-z]+)?$/.test(version)) {
    throw invalid(`Invalid Stripe API version: ${version}`);
  }
  const permissions = deps.accepted[key] ?? null;
  return permissions === null ? null : new Set(permissions);
}

function limit(deps: Deps): void {
  const nowMs = deps.clock.now();
  while ((deps.recent[0] ?? nowMs) <= nowMs - 1000) deps.recent.shift();
  if (deps.recent.length >= deps.perSecond) throw rateLimited('global-rate');
  deps.recent.push(nowMs);
}

/** The headers every answer of the API has; fields that were hidden are left out. */
function dressed(deps: Deps, request: SimRequest, answer: Exclude<SimAnswer, 'drop'>, id: string): SimAnswer {
  if (answer.headers['content-type'] !== 'application/json') return answer;
  const key = request.method === 'POST' ? request.headers['idempotency-key'] : undefined;
  const headers = {
    ...answer.headers,
    'request-id': id,
    'stripe-version': request.headers['stripe-version'] ?? deps.account.apiVersion,
    ...(key === undefined ? {} : { 'idempotency-key': key }),
  };
  if (deps.knobs.hidden.size === 0) return { ...answer, headers };
  return {
    ...answer,
    headers,
    bodyText: JSON.stringify(JSON.parse(answer.bodyText, (_name, value) => without(deps.knobs, value))),
  };
}

function without({ hidden }: Knobs, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('object' in value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !hidden.has(`${String(value.object)}.${name}`)));
}
