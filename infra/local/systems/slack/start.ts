import type { Clock } from '../../../../shared/model/clock.ts';
import { createEffectLog } from '../effect-log.ts';
import { createFaultBook, type Fault, type FaultBook } from '../faults.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { logged, runSimulator, type Simulator } from '../simulator.ts';
import { noStateFile, openStateFile, type StateFile } from '../state-file.ts';
import { adminRoute, type Knobs } from './admin.ts';
import { argumentsOf, needScope, type Token } from './call.ts';
import { errorAnswer, htmlError, json, rateLimited, SlackError } from './errors.ts';
import { createEventSender, documentedRetriesMs, type EventSender, type EventTarget } from './events.ts';
import { createLimiter, documentedLimits, type Limiter, type SlackLimits } from './limits.ts';
import { type Method, methods } from './methods.ts';
import { seedWorkspace } from './seed.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

/** The scopes of a bot that reads and posts in the channels it is in. */
export const botScopes: readonly string[] = [
  'channels:history',
  'channels:read',
  'chat:write',
  'groups:history',
  'groups:read',
  'metadata.message:read',
  'users:read',
  'users:read.email',
];

/** How the simulated workspace is set up. Everything but port, seed and clock has a default. */
export type SlackOptions = {
  /** 0 takes a free one. */
  readonly port: number;
  readonly seed: number;
  readonly clock: Clock;
  /** Keeps the workspace in `slack.sqlite` there; absent: in memory only. */
  readonly stateDir?: string;
  readonly events?: EventTarget;
  readonly retriesMs?: readonly number[];
  readonly teamId?: string;
  readonly enterpriseId?: string;
  readonly domain?: string;
  /** Tokens it accepts; by default one of the bot's. */
  readonly tokens?: Readonly<Record<string, { kind: 'bot' | 'user'; scopes?: readonly string[]; expiresInS?: number }>>;
  readonly limits?: SlackLimits;
  /** How long search does not see a message, milliseconds; default 1000. */
  readonly searchLagMs?: number;
  /** False starts with two empty channels. */
  readonly seeded?: boolean;
};

/** A running simulated workspace. */
export type SlackSimulator = Simulator & {
  readonly workspace: Workspace;
  readonly events: EventSender;
  readonly knobs: Knobs;
};

type Deps = {
  readonly workspace: Workspace;
  readonly faults: FaultBook;
  readonly events: EventSender;
  readonly knobs: Knobs;
  readonly tokens: Map<string, Token>;
  readonly limiter: Limiter;
  readonly file: StateFile;
  readonly clock: Clock;
  readonly searchLagMs: number;
  requests: number;
};

/**
 * Starts a stateful Slack workspace on 127.0.0.1: as strict as the real one where our connector depends on it.
 * It was built from Slack's published documents and its official client, not from a live workspace.
 */
export async function startSlack(options: SlackOptions): Promise<SlackSimulator> {
  const file = options.stateDir === undefined ? noStateFile : openStateFile(options.stateDir, 'slack');
  const deps = file.atomically(() => assemble(options, file));
  const { workspace, faults, events, knobs } = deps;
  const simulator = await runSimulator({
    ...{ port: options.port, state: workspace, faults, stop: events.close },
    handle: (request) => handle(deps, request),
  });
  events.target(options.events ?? null);
  return { ...simulator, workspace, events, knobs };
}

function assemble(options: SlackOptions, file: StateFile): Deps {
  const { clock } = options;
  const workspace = openWorkspace({
    teamId: options.teamId ?? 'T0PLUMBLINE',
    enterpriseId: options.enterpriseId ?? null,
    domain: options.domain ?? 'plumbline-sandbox',
    ...{ appId: 'A0PLUMBLINE', botId: 'B0PLUMBLINE', botUser: 'U0PLUMBLINE' },
    ...{ clock, file, effects: createEffectLog(file) },
  });
  if (workspace.users.size === 0) seedWorkspace(workspace, options.seeded === false ? null : options.seed);
  const retriesMs = options.retriesMs ?? documentedRetriesMs;
  const events = createEventSender({ workspace, file, retriesMs });
  workspace.onEvent = events.onEvent;
  const given = options.tokens ?? { 'local-static-token': { kind: 'bot' as const } };
  const tokens = Object.entries(given).map(([value, { kind, scopes, expiresInS }]) => {
    const user = kind === 'bot' ? workspace.botUser : 'U0INSTALLER';
    const ends = expiresInS === undefined ? {} : { expiresInS };
    return [value, { kind, user, scopes: new Set(scopes ?? botScopes), ...ends }] as const;
  });
  return {
    ...{ workspace, events, file, clock },
    tokens: new Map<string, Token>(tokens),
    faults: createFaultBook(),
    knobs: { answers: [], ended: new Map() },
    limiter: createLimiter(clock, options.limits ?? documentedLimits),
    searchLagMs: options.searchLagMs ?? 1000,
    requests: 0,
  };
}

async function handle(deps: Deps, request: SimRequest): Promise<SimAnswer> {
  if (request.path.startsWith('/_')) return adminRoute(deps, request);
  deps.requests += 1;
  return logged({ state: deps.workspace, faults: deps.faults }, request, async (fault) => {
    const answer = await faulty(deps, request, fault);
    if (answer === 'drop') return answer;
    const id = `sim${deps.clock.now().toString(36)}${deps.requests.toString(36)}`;
    const date = new Date(deps.clock.now()).toUTCString();
    return { ...answer, headers: { ...answer.headers, date, 'x-slack-req-id': id } };
  });
}

/** Slack words a fault of its own inside a 200; a status that was asked for is one of what stands in front of it. */
async function faulty(deps: Deps, request: SimRequest, fault: Fault | null): Promise<SimAnswer> {
  if (!fault) return called(deps, request);
  const own = (error: string) =>
    fault.status === undefined ? json(200, { ok: false, error }) : htmlError(fault.status);
  const after = fault.afterCommit || fault.kind === 'commit_then_lose_response';
  const answer = after ? called(deps, request) : null;
  if (fault.ms > 0) await deps.clock.sleep(fault.ms);
  switch (fault.kind) {
    case 'reset':
    case 'commit_then_lose_response':
      return 'drop';
    case 'html_error':
      return htmlError(fault.status ?? 502);
    case 'rate_limited':
      return errorAnswer(rateLimited({ SECONDLY: 1, TEN_SECONDLY_ROLLING: 10, DAILY: 3600 }[fault.policyName]));
    case 'fail_before_commit':
      return own('internal_error');
    case 'server_error':
      return own('fatal_error');
    default:
      return answer ?? called(deps, request);
  }
}

/** One call: token, limit, scope, arguments, method. */
function called(deps: Deps, request: SimRequest): SimAnswer {
  const name = /^\/api\/([A-Za-z.]+)$/.exec(request.path)?.[1] ?? '';
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  let headers: Record<string, string> = {};
  try {
    if (name === 'api.test') return json(200, { ok: true, args: argumentsOf(request).args });
    if (!method) throw new SlackError('unknown_method', { req_method: name });
    const { args, warning } = argumentsOf(request);
    const token = authenticate(deps, request, args);
    headers = {
      'x-oauth-scopes': [...token.scopes].join(','),
      'x-accepted-oauth-scopes': method.scopes.join(','),
    };
    return deps.file.atomically(() => run(deps, { request, name, method, args, warning, token, headers }));
  } catch (error) {
    if (!(error instanceof SlackError)) throw error;
    return errorAnswer(new SlackError(error.code, error.more, { ...error, headers: { ...headers, ...error.headers } }));
  }
}

type Running = {
  readonly request: SimRequest;
  readonly name: string;
  readonly method: Method;
  readonly args: Readonly<Record<string, unknown>>;
  readonly warning: string | null;
  readonly token: Token;
  readonly headers: Readonly<Record<string, string>>;
};

function run(deps: Deps, { request, name, method, args, warning, token, headers }: Running): SimAnswer {
  deps.limiter.take(name, method, String(args.channel ?? ''));
  const planned = deps.knobs.answers.findIndex((one) => one.method === name);
  const [made] = planned < 0 ? [] : deps.knobs.answers.splice(planned, 1);
  if (made) throw new SlackError(made.error);
  needScope({ token }, method.scopes);
  const { workspace, searchLagMs } = deps;
  const body = method.run({ workspace, request, args, token, searchLagMs });
  const warned = warning === null ? {} : { warning, response_metadata: { warnings: [warning] } };
  return json(200, { ok: true, ...warned, ...body }, headers);
}

/** The token of the header, or of the arguments. @throws SlackError */
function authenticate(deps: Deps, request: SimRequest, args: Readonly<Record<string, unknown>>): Token {
  const given = /^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? args.token;
  if (typeof given !== 'string' || given === '') throw new SlackError('not_authed');
  const token = deps.tokens.get(given);
  if (!token) throw new SlackError('invalid_auth');
  const ended = deps.knobs.ended.get(given);
  if (ended !== undefined) throw new SlackError(ended);
  return token;
}
