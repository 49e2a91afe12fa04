import type { HttpClient } from '../http/client.ts';
import type { TokenPost } from './refresh.ts';

/** Answers of a token endpoint are small; anything longer is not one. */
const maxResponseBytes = 65_536;

/**
 * Posts forms to the token endpoints of systems, each on the origin that is pinned for its tokens.
 * @param deps.endpointOf where a system's tokens are issued; the path may be configured otherwise
 */
export function tokenEndpoint(deps: {
  http: Pick<HttpClient, 'send'>;
  endpointOf: (system: string) => Promise<{ readonly origin: string; readonly path: string }>;
}): TokenPost {
  return async ({ system, path, form, headers, mayWrite, deadlineMs }) => {
    const endpoint = await deps.endpointOf(system);
    const body = new URLSearchParams(form.map(([name, value]): [string, string] => [name, value]));
    const result = await deps.http.send({
      origin: endpoint.origin,
      method: 'POST',
      path: path ?? endpoint.path,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json', ...headers },
      body: new TextEncoder().encode(body.toString()),
      deadlineMs,
      maxResponseBytes,
      mayWrite,
    });
    if (result.kind !== 'answer') return { kind: result.kind, code: result.fault.code };
    return { kind: 'answer', status: result.answer.status, bodyText: result.answer.bodyText };
  };
}
