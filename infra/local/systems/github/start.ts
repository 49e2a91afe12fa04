import type { Clock } from '../../../../shared/model/clock.ts';
import { createEffectLog } from '../effect-log.ts';
import { createFaultBook, type Fault, type FaultBook } from '../faults.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { logged, runSimulator, type Simulator } from '../simulator.ts';
import { noStateFile, openStateFile } from '../state-file.ts';
import { adminRoute, type Knobs } from './admin.ts';
import { documentedKeptMs, type HookTarget, type Hub, happen, openHub, registerHook } from './hub.ts';
import { apiRoute, GithubError, json, type Token } from './routes.ts';

/** How the simulated repository is set up. Everything but port and clock has a default. */
export type GithubOptions = {
  /** 0 takes a free one. */
  readonly port: number;
  readonly clock: Clock;
  /** Keeps the deliveries in `github.sqlite` there; absent: in memory only. */
  readonly stateDir?: string;
  /** Whose webhooks it has: `repos/acme/widgets` or `orgs/acme`. */
  readonly holder?: string;
  /** Webhooks of others that stand beside ours. */
  readonly others?: number;
  readonly tokens?: Readonly<Record<string, Token>>;
  readonly perHour?: number;
  /** How long deliveries are kept, milliseconds; three days unless told. */
  readonly keptMs?: number;
};

/** A running simulated repository. */
export type GithubSimulator = Simulator & {
  readonly hub: Hub;
  readonly knobs: Knobs;
  readonly webhooks: { target(target: HookTarget | null): void };
  /** Something happens; the guid of its delivery, or null where no active webhook wants to hear of it. */
  happen(event: string, payload: object): string | null;
};

type Deps = {
  readonly hub: Hub;
  readonly faults: FaultBook;
  readonly knobs: Knobs;
  readonly tokens: Readonly<Record<string, Token>>;
  readonly perHour: number;
  readonly base: () => string;
  hour: number;
};

const hourMs = 3_600_000;
const versions = ['2022-11-28', '2026-03-10'];

/**
 * Starts the webhooks of one GitHub repository or organization on 127.0.0.1: as strict as the real ones where our connector
 * depends on it, and like them without a second attempt that nobody asked for. It was built from GitHub's published documents.
 */
export async function startGithub(options: GithubOptions): Promise<GithubSimulator> {
  const { clock, stateDir, perHour = 5000 } = options;
  const file = stateDir === undefined ? noStateFile : openStateFile(stateDir, 'github');
  const effects = createEffectLog(file);
  const { keptMs = documentedKeptMs } = options;
  const hub = openHub({ clock, file, effects, keptMs, holder: options.holder ?? 'repos/acme/widgets' });
  for (let n = 0; n < (options.others ?? 1); n += 1) registerHook(hub, `https://ci${n}.acme.example/hook`);
  const [faults, knobs] = [createFaultBook(), { left: perHour, link: null }];
  const tokens = options.tokens ?? {
    'local-static-token': { id: 4711, login: 'acme-plumbline-sandbox', may: 'write' as const },
  };
  let base = '';
  const deps: Deps = { hub, faults, knobs, tokens, perHour, base: () => base, hour: hourOf(clock) };
  const simulator = await runSimulator({
    ...{ port: options.port, state: hub, faults, stop: hub.webhooks.close },
    handle: (request) => handle(deps, request),
  });
  base = simulator.url;
  const target = (to: HookTarget | null) => {
    if (to !== null) registerHook(hub, to.publicUrl ?? to.url);
    hub.webhooks.target(to);
  };
  return {
    ...{ ...simulator, hub, knobs, webhooks: { target } },
    happen: (event, payload) => happen(hub, event, payload)?.guid ?? null,
  };
}

const hourOf = (clock: Clock) => Math.floor(clock.now() / hourMs);

async function handle(deps: Deps, request: SimRequest): Promise<SimAnswer> {
  const { hub, faults } = deps;
  if (request.path.startsWith('/_')) return adminRoute(deps, request);
  return logged({ state: hub, faults }, request, async (fault) => {
    const answer = await faulty(deps, request, fault);
    return answer === 'drop' ? answer : dressed(deps, answer);
  });
}

async function faulty(deps: Deps, request: SimRequest, fault: Fault | null): Promise<SimAnswer> {
  const html = (status: number): SimAnswer => ({
    ...{ status, headers: { 'content-type': 'text/html' }, bodyText: '<html><h1>Unicorn!</h1></html>' },
  });
  const after = fault?.afterCommit === true || fault?.kind === 'commit_then_lose_response';
  if (fault && fault.ms > 0) await deps.hub.clock.sleep(fault.ms);
  if (!fault || fault.kind === 'slow') return answered(deps, request);
  if (after) answered(deps, request);
  if (fault.kind === 'reset' || fault.kind === 'commit_then_lose_response') return 'drop';
  if (fault.kind === 'html_error') return html(fault.status ?? 502);
  if (fault.kind !== 'rate_limited') return json(fault.status ?? 500, { message: 'Server Error' });
  const message = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';
  return json(fault.status ?? 403, { message }, { 'retry-after': '60' });
}

function answered(deps: Deps, request: SimRequest): SimAnswer {
  try {
    const token = admitted(deps, request);
    return deps.hub.file.atomically(() => apiRoute(deps.hub, request, token, deps.base()));
  } catch (error) {
    if (!(error instanceof GithubError)) throw error;
    const body = {
      message: error.message,
      documentation_url: 'https://docs.github.com/rest',
      status: `${error.status}`,
    };
    return json(error.status, body, error.headers);
  }
}

/** What stands in front of every endpoint. @throws GithubError */
function admitted(deps: Deps, { headers }: SimRequest): Token {
  const { knobs, hub } = deps;
  if (!headers['user-agent']) {
    throw new GithubError(
      403,
      'Request forbidden by administrative rules. Please make sure your request has a User-Agent header.',
    );
  }
  const given = /^(?:bearer|token) (.+)$/i.exec(headers.authorization ?? '')?.[1];
  if (given === undefined) throw new GithubError(401, 'Requires authentication');
  const token = Object.hasOwn(deps.tokens, given) ? deps.tokens[given] : undefined;
  if (!token) throw new GithubError(401, 'Bad credentials');
  const version = headers['x-github-api-version'];
  if (version !== undefined && !versions.includes(version)) {
    throw new GithubError(400, `"${version}" is not a supported version.`);
  }
  if (deps.hour !== hourOf(hub.clock)) [deps.hour, knobs.left] = [hourOf(hub.clock), deps.perHour];
  if (knobs.left === 0) throw new GithubError(403, `API rate limit exceeded for user ID ${token.id}.`);
  knobs.left -= 1;
  return token;
}

/** The headers that every answer has. */
function dressed({ hub, knobs, perHour, hour }: Deps, answer: Exclude<SimAnswer, 'drop'>): SimAnswer {
  const limits = {
    ...{ 'x-ratelimit-limit': String(perHour), 'x-ratelimit-remaining': String(knobs.left) },
    ...{ 'x-ratelimit-reset': String(((hour + 1) * hourMs) / 1000), 'x-ratelimit-resource': 'core' },
  };
  const link = knobs.link === null || answer.status !== 200 ? {} : { link: `<${knobs.link}>; rel="next"` };
  const date = new Date(hub.clock.now()).toUTCString();
  return { ...answer, headers: { ...answer.headers, ...limits, ...link, date, 'x-github-request-id': 'SIM:1' } };
}
