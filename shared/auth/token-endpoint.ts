import type { HttpClient } from '../http/client.ts';
import type { TokenPost } from './refresh.ts';

/** Answers of a token endpoint are small; anything longer is not one. */
const maxResponseBytes = 65_536;

/**
 * Posts forms to the token endpoints of systems, each on its system's own origin.
 * @param deps.originOf the pinned origin of a system
 */
export function tokenEndpoint(deps: {
  http: Pick<HttpClient, 'send'>;
  originOf: (system: string) => Promise<string>;
}): TokenPost {
  return async ({ system, path, form, mayWrite, deadlineMs }) => {
    const body = new URLSearchParams(form.map(([name, value]): [string, string] => [name, value]));
    const result = await deps.http.send({
      origin: await deps.originOf(system),
      method: 'POST',
      path,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new TextEncoder().encode(body.toString()),
      deadlineMs,
      maxResponseBytes,
      mayWrite,
    });
    if (result.kind !== 'answer') return { kind: result.kind, code: result.fault.code };
    return { kind: 'answer', status: result.answer.status, bodyText: result.answer.bodyText };
  };
}
