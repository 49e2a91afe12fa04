import type { Clock } from '../../../../shared/model/clock.ts';
import { createEffectLog, type LoggedRequest } from '../effect-log.ts';
import { createFaultBook, type Fault, type FaultBook } from '../faults.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { logged, runSimulator, type Simulator } from '../simulator.ts';
import { noStateFile, openStateFile } from '../state-file.ts';
import { adminRoute } from './admin.ts';
import { errorAnswer, FrappeError, htmlPage, json, tooManyRequests } from './errors.ts';
import { guestMethods, methodRoute, resourceRoute } from './routes.ts';
import { seedCompany, seedSite } from './seed.ts';
import { openSite, type Site, transact } from './site.ts';
import { version2Route } from './version2.ts';
import { createWebhookSender, defaultRetryDelaysMs, type WebhookSender } from './webhooks.ts';

/** How the simulated site is set up. Everything but port, seed and clock has a default. */
export type ErpnextOptions = {
  /** 0 takes a free one. */
  readonly port: number;
  readonly seed: number;
  readonly clock: Clock;
  /** Keeps the site in `erpnext.sqlite` there; absent: in memory only. */
  readonly stateDir?: string;
  /** Keys and their secrets, with the user each acts as. */
  readonly keys?: Readonly<Record<string, { readonly secret: string; readonly user: string }>>;
  /** What the company says the site is for; null: nothing. */
  readonly environment?: string | null;
  readonly timeZone?: string;
  /** Milliseconds between the attempts of webhooks. */
  readonly retryDelaysMs?: readonly number[];
  /** False starts with a company and nothing else. */
  readonly seeded?: boolean;
};

/** A running simulated site. */
export type ErpnextSimulator = Simulator & {
  readonly site: Site;
  readonly webhooks: WebhookSender;
};

type Deps = {
  readonly site: Site;
  readonly faults: FaultBook;
  readonly webhooks: WebhookSender;
  readonly keys: NonNullable<ErpnextOptions['keys']>;
};

/** The key that tests use. */
export const localKey = { key: 'local-key', secret: 'local-secret', user: 'plumbline@integration.example' };

/** What a site with a limit gives in an hour, microseconds of work. */
const limitMicros = 600_000_000;

/**
 * Starts a stateful site of ERPNext on 127.0.0.1: as strict as a real one where our connector depends on it.
 * It was built from the published source of Frappe 15, not from a live site.
 */
export async function startErpnext(options: ErpnextOptions): Promise<ErpnextSimulator> {
  const file = options.stateDir === undefined ? noStateFile : openStateFile(options.stateDir, 'erpnext');
  const { clock, retryDelaysMs = defaultRetryDelaysMs } = options;
  const webhooks = createWebhookSender({ clock, retryDelaysMs });
  const deps = file.atomically((): Deps => {
    const site = openSite({
      timeZone: options.timeZone ?? 'Europe/Amsterdam',
      clock,
      file,
      effects: createEffectLog(file),
    });
    if (site.docs.Company.size === 0) {
      seedCompany(site, options.environment === undefined ? 'sandbox of 127.0.0.1' : options.environment);
      if (options.seeded !== false) seedSite(site, options.seed);
    }
    site.onChange = (doc, event) => webhooks.onChange(site, doc, event);
    const keys = options.keys ?? { [localKey.key]: localKey };
    return { site, webhooks, keys, faults: createFaultBook() };
  });
  const { site, faults } = deps;
  const simulator = await runSimulator({
    ...{ port: options.port, state: site, faults, stop: webhooks.close },
    handle: (request) => handle(deps, request),
  });
  return { ...simulator, site, webhooks };
}

async function handle(deps: Deps, request: SimRequest): Promise<SimAnswer> {
  const { site } = deps;
  if (request.path.startsWith('/_')) return adminRoute(deps, request);
  return logged({ state: site, faults: deps.faults }, request, async (fault, entry) => {
    const answer = fault === null ? serve(deps, request) : await faulty(deps, request, fault, entry);
    if (answer === 'drop') return answer;
    return { ...answer, headers: { 'x-frappe-request-id': `req-${entry.n}`, ...answer.headers } };
  });
}

async function faulty(deps: Deps, request: SimRequest, fault: Fault, entry: LoggedRequest): Promise<SimAnswer> {
  const commits = fault.afterCommit || fault.kind === 'commit_then_lose_response';
  const committed = commits ? serve(deps, request) : null;
  if (fault.ms > 0) await deps.site.clock.sleep(fault.ms);
  switch (fault.kind) {
    case 'slow':
      return committed ?? serve(deps, request);
    case 'rate_limited':
      // A single function of a site may be limited too, and says so in another way.
      return fault.policyName === 'SECONDLY'
        ? errorAnswer(
            new FrappeError('RateLimitExceededError', 'You hit the rate limit because of too many requests.'),
            request.path,
          )
        : tooManyRequests(3600 - (Math.floor(deps.site.clock.now() / 1000) % 3600), limitMicros);
    case 'html_error':
      return htmlPage(fault.status ?? 502);
    case 'fail_before_commit':
    case 'server_error':
      return errorAnswer(new FrappeError('OperationalError', '', fault.status ?? 500), request.path);
    default:
      entry.status = 0;
      return 'drop';
  }
}

function serve(deps: Deps, request: SimRequest): SimAnswer {
  const { site } = deps;
  return site.file.atomically(() => {
    try {
      if (site.knobs.migrating) return htmlPage(503);
      if (request.path === '/.well-known/openid-configuration') return discovery(request);
      const user = userOf(deps, request);
      const form = formOf(request);
      return transact(site, (tx) => route({ site, request, tx, user: user ?? 'Guest', form }));
    } catch (error) {
      if (error instanceof FrappeError) return errorAnswer(error, request.path);
      return errorAnswer(new FrappeError('AttributeError', '', 500), request.path);
    }
  });
}

function discovery({ headers }: SimRequest): SimAnswer {
  const issuer = `http://${headers.host ?? ''}`;
  return json(200, { issuer, token_endpoint: `${issuer}/api/method/frappe.integrations.oauth2.get_token` });
}

/** The user of the key in the header; null without one. @throws FrappeError 400, 401 */
function userOf({ keys }: Deps, { headers }: SimRequest): string | null {
  const header = headers.authorization;
  if (header === undefined) return null;
  const parts = header.split(' ');
  if (parts.length !== 2) throw new FrappeError('InvalidAuthorizationHeader', 'Invalid Authorization Header', 400);
  const [scheme = '', token = ''] = parts;
  const isBasic = scheme.toLowerCase() === 'basic';
  if (!isBasic && scheme.toLowerCase() !== 'token') {
    throw new FrappeError('InvalidAuthorizationPrefix', 'Invalid Authorization Type', 400);
  }
  const [key = '', secret] = (isBasic ? Buffer.from(token, 'base64').toString('utf8') : token).split(':');
  const known = Object.hasOwn(keys, key) ? keys[key] : undefined;
  if (known && known.secret === secret) return known.user;
  throw new FrappeError('AuthenticationError', '', 401);
}

/** What Frappe makes of query and body: the body counts where there is one. @throws FrappeError 417 */
function formOf({ query, headers, bodyText }: SimRequest): Record<string, unknown> {
  const form: Record<string, unknown> = Object.fromEntries(query);
  if (bodyText === '') return form;
  if (!/^application\/json\b/i.test(headers['content-type'] ?? '')) {
    return { ...form, ...Object.fromEntries(new URLSearchParams(bodyText)) };
  }
  try {
    const body: unknown = JSON.parse(bodyText);
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  } catch {
    // Told below, as for a body that is no object.
  }
  throw new FrappeError('ValidationError', 'Invalid request body');
}

function route(call: Parameters<typeof resourceRoute>[0]): SimAnswer {
  const [api, area, first, ...rest] = call.request.segments;
  if (api !== 'api') throw new FrappeError('DoesNotExistError', 'Not found', 404);
  const method = area === 'method' ? (first ?? '') : '';
  if (call.user === 'Guest' && !guestMethods.includes(method)) {
    throw new FrappeError('PermissionError', 'User <b>Guest</b> is not permitted to do this', 403);
  }
  // A command in the body is carried out whatever the address says.
  if (typeof call.form.cmd === 'string') return methodRoute(call, call.form.cmd);
  if (area === 'method') return methodRoute(call, method);
  if (area === 'resource') return resourceRoute(call, first, rest.join('/'));
  if (area === 'v2') return version2Route(call, [first ?? '', ...rest]);
  throw new FrappeError('DoesNotExistError', 'Not found', 404);
}
