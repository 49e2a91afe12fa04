import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { type Call, objectBody } from './call.ts';
import { errorAnswer, GraphError, json, tooMany } from './errors.ts';

type Step = {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly url?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly dependsOn?: readonly string[];
};
type Done = { readonly id: string; readonly status: number; readonly headers: object; readonly body?: unknown };

/**
 * `POST /$batch`: up to 20 requests, each answered by itself, in any order.
 * @see https://learn.microsoft.com/en-us/graph/json-batching
 */
export function batchRoute(call: Call, serve: (request: SimRequest) => SimAnswer): SimAnswer {
  const { requests } = objectBody(call) as { requests?: readonly Step[] };
  const bad = (message: string) => new GraphError(400, 'BadRequest', message);
  if (!Array.isArray(requests) || requests.length === 0) throw bad('Batch request payload is empty.');
  if (requests.length > 20) {
    throw new GraphError(400, 'MaximumValueExceeded', 'Number of batch request steps exceeds the maximum value of 20.');
  }
  const ids = (requests as readonly Step[]).map(({ id }) => String(id).toLowerCase());
  if (new Set(ids).size !== ids.length) throw bad('The ids of the batch are not unique.');
  const done = new Map<string, Done>();
  for (const [at, step] of (requests as readonly Step[]).entries()) {
    if (typeof step.id !== 'string' || typeof step.method !== 'string' || typeof step.url !== 'string') {
      throw bad('A request of the batch lacks id, method or url.');
    }
    done.set(step.id, answered(call, step, { at: at + 1, done, serve }));
  }
  // Nothing says in which order they come back.
  return json(200, { responses: [...done.values()].reverse() });
}

type Under = {
  readonly at: number;
  readonly done: ReadonlyMap<string, Done>;
  readonly serve: (request: SimRequest) => SimAnswer;
};

function answered(call: Call, step: Step, { at, done, serve }: Under): Done {
  const id = String(step.id);
  const failed = (step.dependsOn ?? []).some((other) => (done.get(other)?.status ?? 500) >= 400);
  const answer = failed
    ? errorAnswer(new GraphError(424, 'FailedDependency', 'A request it depends on failed.'), trace(call))
    : call.tenant.knobs.throttledInBatch.delete(at)
      ? errorAnswer(tooMany(2), trace(call))
      : serve(requestOf(call, step));
  if (answer === 'drop') throw new Error('nothing drops inside a batch');
  const headers = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [titled(name), value]));
  const body =
    answer.bodyText === ''
      ? undefined
      : /json/.test(answer.headers['content-type'] ?? '')
        ? JSON.parse(answer.bodyText)
        : answer.bodyText;
  return { id, status: answer.status, headers, ...(body === undefined ? {} : { body }) };
}

const titled = (name: string) => name.replaceAll(/(^|-)[a-z]/g, (part) => part.toUpperCase());
const trace = ({ tenant }: Call) => ({ requestId: 'batch', clientRequestId: 'batch', atMs: tenant.clock.now() });

function requestOf({ request }: Call, step: Step): SimRequest {
  const version = request.segments[0] ?? 'v1.0';
  // Microsoft's client leaves the version in, and that is taken too.
  const relative = String(step.url).replace(/^\/?(v1\.0\/)?/, '');
  const url = new URL(`http://127.0.0.1/${version}/${relative}`);
  const headers = Object.fromEntries(
    Object.entries(step.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return {
    method: String(step.method).toUpperCase(),
    path: url.pathname,
    segments: url.pathname.split('/').slice(1).map(decodeURIComponent),
    query: url.searchParams,
    headers: { ...kept(request, 'host'), ...kept(request, 'authorization'), ...headers },
    bodyText: step.body === undefined ? '' : JSON.stringify(step.body),
  };
}

const kept = ({ headers }: SimRequest, name: string) => (headers[name] === undefined ? {} : { [name]: headers[name] });
