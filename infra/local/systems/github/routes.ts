import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { type Attempt, aimedHook, attemptAgain, type Hook, type Hub, keptAttempts } from './hub.ts';

/** What a token may do, and who it is. */
export type Token = {
  readonly id: number;
  readonly login: string;
  /** Of webhooks. */
  readonly may: 'nothing' | 'read' | 'write';
};

/** A refusal as GitHub words it. */
export class GithubError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** A JSON answer; ids stand there as numbers of any length. */
export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): SimAnswer {
  const bodyText = JSON.stringify(body).replace(/"id":"([0-9]+)"/g, '"id":$1');
  return { status, headers: { 'content-type': 'application/json; charset=utf-8', ...headers }, bodyText };
}

/** One authenticated request. @throws GithubError for everything GitHub would refuse */
export function apiRoute(hub: Hub, request: SimRequest, token: Token, base: string): SimAnswer {
  const { method, path } = request;
  if (path === '/user' && method === 'GET') {
    return json(200, { login: token.login, id: token.id, type: 'User', site_admin: false });
  }
  const prefix = `/${hub.holder}/hooks`;
  const [hookId, what, deliveryId, attempts, ...more] = path.slice(prefix.length + 1).split('/');
  // What a token may not see is not there.
  if (!(path === prefix || path.startsWith(`${prefix}/`)) || token.may === 'nothing') throw notFound();
  if (path === prefix && method === 'GET') return hooksPage(hub, request, base);
  const hook = hub.hooks.find(({ id }) => id === hookId);
  if (!hook || what !== 'deliveries' || more.length > 0) throw notFound();
  if (deliveryId === undefined && method === 'GET') return attemptsPage(hub, hook, request, base);
  const attempt = attemptsOf(hub, hook).find(({ id }) => id === deliveryId);
  if (!attempt) throw notFound();
  if (attempts === undefined && method === 'GET') return json(200, { ...shown(attempt), ...exchanged(attempt) });
  if (attempts !== 'attempts' || method !== 'POST') throw notFound();
  if (token.may !== 'write') throw new GithubError(403, 'Resource not accessible by personal access token');
  attemptAgain(hub, attempt);
  return json(202, {});
}

const notFound = () => new GithubError(404, 'Not Found');

function attemptsOf(hub: Hub, hook: Hook): readonly Attempt[] {
  return hook === aimedHook(hub) ? keptAttempts(hub) : [];
}

/** At most 100, and 30 unless told; what is no number is left out of account, as GitHub does. */
function sizeOf(request: SimRequest): number {
  const asked = Number(request.query.get('per_page') ?? 30);
  return Number.isSafeInteger(asked) && asked >= 1 ? Math.min(asked, 100) : 30;
}

function link(base: string, { path }: SimRequest, query: Readonly<Record<string, string>>): Record<string, string> {
  return { link: `<${base}${path}?${new URLSearchParams(query)}>; rel="next"` };
}

function hooksPage(hub: Hub, request: SimRequest, base: string): SimAnswer {
  const [size, page] = [sizeOf(request), Math.max(1, Number(request.query.get('page') ?? 1) || 1)];
  const rows = hub.hooks.slice((page - 1) * size, page * size);
  const query = { per_page: String(size), page: String(page + 1) };
  const next = hub.hooks.length > page * size ? link(base, request, query) : {};
  const body = rows.map(({ id, url, active }) => ({
    ...{ type: 'Repository', id, name: 'web', active, events: ['*'] },
    config: { content_type: 'json', insecure_ssl: '0', url, secret: '********' },
    last_response: { code: null, status: 'unused', message: null },
  }));
  return json(200, body, next);
}

/** A page begins with the delivery that its cursor names. */
function attemptsPage(hub: Hub, hook: Hook, request: SimRequest, base: string): SimAnswer {
  const [all, size, cursor] = [attemptsOf(hub, hook), sizeOf(request), request.query.get('cursor')];
  const begin = cursor === null ? 0 : all.findIndex(({ id }) => cursor === `v1_${id}`);
  if (begin < 0) throw new GithubError(422, 'Invalid cursor');
  const after = all[begin + size];
  const next = after ? link(base, request, { per_page: String(size), cursor: `v1_${after.id}` }) : {};
  return json(200, all.slice(begin, begin + size).map(shown), next);
}

function shown({ id, guid, event, redelivery, atMs, code }: Attempt) {
  const status = code === null ? 'pending' : code === 0 ? 'failed to connect to host' : statusOf(code);
  return {
    ...{ id, guid, delivered_at: new Date(atMs).toISOString(), redelivery, duration: 0.03, status },
    ...{ status_code: code ?? 0, event, action: null, installation_id: null, repository_id: 1, throttled_at: null },
  };
}

function statusOf(code: number): string {
  return code >= 200 && code < 300 ? 'OK' : `Invalid HTTP Response: ${code}`;
}

function exchanged({ body, code }: Attempt) {
  return {
    request: { headers: {}, payload: JSON.parse(body) },
    response: { headers: {}, payload: String(code ?? '') },
  };
}
