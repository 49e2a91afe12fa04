import type { AgentPrincipal } from '../auth/api-keys.ts';
import { type RunView, runView } from '../ledger/run-view.ts';
import { PlumblineError } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import { actionGet } from './action-get.ts';
import { refusalAnswer } from './answer.ts';
import { actionGetCall, beginCall, callTool } from './call.ts';
import type { Answered, Call, CallDeps } from './call-deps.ts';
import type { ToolDescription } from './describe.ts';
import {
  type DoorAnswer,
  type DoorProblem,
  type DoorRequest,
  jsonAnswer,
  problemAnswer,
  readBody,
} from './http-request.ts';
import { baseOf, noFacts, recordAndAnswer } from './record-call.ts';

/** What the agent door needs. Both authenticators answer null for every credential that is not one. */
export type DoorDeps = CallDeps & {
  readonly byKey: (headers: DoorRequest['headers']) => Promise<AgentPrincipal | null>;
  readonly byIam: (arn: string | undefined) => AgentPrincipal | null;
};

type Route = {
  readonly method: 'GET' | 'POST';
  readonly pattern: RegExp;
  readonly run: (deps: DoorDeps, call: Call, request: DoorRequest, id: string) => Promise<DoorAnswer>;
};

const routes: readonly Route[] = [
  { method: 'GET', pattern: /^\/v1\/tools$/, run: listTools },
  { method: 'POST', pattern: /^\/v1\/tools\/([^/]{1,64})\/calls$/, run: postCall },
  { method: 'GET', pattern: /^\/v1\/actions\/([^/]{1,128})$/, run: getAction },
  { method: 'GET', pattern: /^\/v1\/runs\/([^/]{1,512})$/, run: getRun },
  { method: 'GET', pattern: /^\/openapi\.json$/, run: getOpenApi },
];

/**
 * Answers one request of an agent: route, credential, then the capability. Every answer is JSON; what never became a call is
 * an RFC 9457 problem. Under /iam only a SigV4 caller that agents.yaml names counts, elsewhere only an API key.
 */
export async function answerAgent(deps: DoorDeps, request: DoorRequest): Promise<DoorAnswer> {
  try {
    return await routed(deps, request);
  } catch (error) {
    return problemAnswer(faultOf(deps, request, error));
  }
}

async function routed(deps: DoorDeps, request: DoorRequest): Promise<DoorAnswer> {
  const iam = request.path.startsWith('/iam/');
  const path = iam ? request.path.slice('/iam'.length) : request.path;
  const matching = routes.filter(({ pattern }) => pattern.test(path));
  if (matching.length === 0) {
    return problemAnswer({
      status: 404,
      code: 'unknown_route',
      category: 'not_found',
      detail: 'There is nothing at this path.',
    });
  }
  const principal = iam ? deps.byIam(request.iamArn) : await deps.byKey(request.headers);
  const call = principal ? beginCall(deps, { principal, receivedAtMs: deps.kernel.clock.now() }) : null;
  if (!call) return unauthenticated(deps);
  const route = matching.find(({ method }) => method === request.method);
  if (!route) {
    const allow = matching.map(({ method }) => method).join(', ');
    const detail = `Allowed here: ${allow}.`;
    return problemAnswer({
      status: 405,
      code: 'method_not_allowed',
      category: 'validation',
      detail,
      headers: { allow },
    });
  }
  return route.run(deps, call, request, decoded(route.pattern.exec(path)?.[1] ?? ''));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function unauthenticated(deps: DoorDeps): DoorAnswer {
  deps.log.metric('unauthenticated', 1, 'Count', { door: 'agent' });
  return problemAnswer({
    status: 401,
    code: 'unauthenticated',
    category: 'authentication',
    detail: 'No valid credential of an agent came with the request.',
    headers: { 'www-authenticate': 'Bearer' },
  });
}

/** A fault may have come after the effect: of a call, nothing is claimed about it. */
function faultOf(deps: DoorDeps, { method }: DoorRequest, error: unknown): DoorProblem {
  const effect = method === 'POST' ? 'unknown' : 'none';
  deps.log.error('an agent request failed', { code: error instanceof PlumblineError ? error.code : 'internal' }, error);
  if (error instanceof PlumblineError && (error.code === 'store_unavailable' || error.code === 'switched_off')) {
    const detail =
      error.code === 'switched_off' ? error.message : 'A store did not answer. Nothing is known to be done.';
    const headers = { 'retry-after': '2' };
    return { status: 503, code: error.code, category: 'internal', detail, retryable: true, effect, headers };
  }
  if (error instanceof PlumblineError && error.code === 'invalid_input') {
    // A connector refused to build a request of this input: the same will not do later either.
    const detail = `${error.message} ${error.hint}`;
    return { status: 422, code: error.code, category: 'validation', detail, retryable: false, effect };
  }
  const detail = 'The call failed inside Plumbline. Repeating it cannot make it happen twice.';
  return { status: 500, code: 'internal', category: 'internal', detail, retryable: true, effect };
}

async function postCall(deps: DoorDeps, call: Call, request: DoorRequest, tool: string): Promise<DoorAnswer> {
  const body = readBody(request);
  if (body.kind === 'problem') return recordedProblem(deps, call, body.problem);
  const { principal, receivedAtMs } = call;
  const { headers } = request;
  try {
    return answerOf(await callTool(deps, call, { principal, tool, body: body.value, headers, receivedAtMs }));
  } catch (error) {
    return brokenOff(deps, call, faultOf(deps, request, error));
  }
}

/** A call that broke off has its entry too, wherever the ledger still takes one. */
async function brokenOff(deps: DoorDeps, call: Call, problem: DoorProblem): Promise<DoorAnswer> {
  const recorded = recordedProblem(deps, call, problem, 'failed');
  return recorded.catch(() => problemAnswer({ ...problem, instance: call.callId }));
}

function answerOf({ answer, bytes, httpStatus, contentType }: Answered): DoorAnswer {
  const retryAfterMs = httpStatus >= 400 ? (answer.retry_after_ms ?? answer.error?.retry_after_ms) : undefined;
  const { statusCode, headers, body } = jsonAnswer(httpStatus, new TextDecoder().decode(bytes), retryAfterMs);
  return { statusCode, headers: { ...headers, 'content-type': contentType }, body };
}

/** A body that never became a call is answered by an authenticated door, so it has its entry too. */
async function recordedProblem(
  deps: DoorDeps,
  call: Call,
  problem: DoorProblem,
  status: 'refused' | 'failed' = 'refused',
): Promise<DoorAnswer> {
  const said = problemAnswer({ ...problem, instance: call.callId });
  const { code, category, detail } = problem;
  const refusal = refusalAnswer(baseOf(call), { code, category, retryable: false, detail }, status);
  await recordAndAnswer(deps, call, refusal, noFacts, said.body);
  return said;
}

async function listTools(deps: DoorDeps, call: Call): Promise<DoorAnswer> {
  return jsonAnswer(200, JSON.stringify({ tools: await shownTo(deps, call), config_version: deps.config.version }));
}

async function getOpenApi(deps: DoorDeps, call: Call): Promise<DoorAnswer> {
  const { openApi } = await import('./openapi.ts');
  return jsonAnswer(200, JSON.stringify(openApi(await shownTo(deps, call), deps.config.version)));
}

/** Loaded on demand: most starts of the door never list anything. */
async function shownTo(deps: DoorDeps, call: Call): Promise<readonly ToolDescription[]> {
  const { describeTools } = await import('./list.ts');
  return [...describeTools(deps, await deps.catalog.visibleTo(call.agent)), actionGet];
}

async function getAction(deps: DoorDeps, call: Call, _request: DoorRequest, id: string): Promise<DoorAnswer> {
  const args: JsonObject = { action_id: id };
  return answerOf(await actionGetCall(deps, call, args));
}

async function getRun(deps: DoorDeps, call: Call, _request: DoorRequest, id: string): Promise<DoorAnswer> {
  const run = await runView(deps.ledger, call.principalId, id);
  if (run) return jsonAnswer(200, JSON.stringify(withoutPeople(run)));
  return problemAnswer({
    status: 404,
    code: 'unknown_run',
    category: 'not_found',
    detail: 'This agent has no such run.',
  });
}

/** A run as its agent reads it: that a person decided and which team was told, not who and where. */
function withoutPeople(run: RunView): RunView {
  return {
    ...run,
    notified: [...new Set(run.notified.map((told) => told.split(' ', 1)[0] ?? ''))],
    lines: run.lines.map((line) => ({ ...line, decidedBy: line.decidedBy === null ? null : 'person' })),
  };
}
