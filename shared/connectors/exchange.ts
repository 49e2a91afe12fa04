import { encodeBody } from '../http/digest.ts';
import { encodeQuery } from '../http/path.ts';
import type { HttpResult } from '../http/result.ts';
import type { HttpAnswer } from '../model/operation.ts';
import { remainingMs } from '../resilience/deadline.ts';
import type { RateVerdict } from '../resilience/rate-limit.ts';
import { noteAnswer } from './after-answer.ts';
import type { Authorization, Credential } from './credentials.ts';
import type { SendInput, SendResult } from './sender.ts';
import { credentialOf, notSent, type OneRequest, type SenderDeps, type Way } from './way.ts';

/** A call waits so often, and so long each time, for the limit to have room, where this much time is left after it. */
const mostWaits = 2;
const longestWaitMs = 2000;
const callNeedsMs = 4000;

/** What became of a request, under which version of the credential, and whether it showed the system working (null: neither). */
export type Sent = { readonly result: SendResult; readonly version: number | null; readonly works: boolean | null };

/** A credential to send with, or why there is none that this request may go under. */
export type Held = Authorization | { readonly refused: SendResult };

/**
 * Sends, and once more where the system says that the credential has ended and a newer one could be had.
 * @param authorize asked before each of the two; whatever credential there is where it is left out
 */
export async function sendWithReplay(
  deps: SenderDeps,
  way: Way,
  request: OneRequest,
  authorize: () => Promise<Held> = () => deps.credentials.authorize(way.system),
): Promise<Sent> {
  const first = await sendOnce(deps, way, request, authorize);
  if (first.result.kind !== 'answer' || first.version === null) return first;
  if (!refreshHelps(way, first.result.answer)) return first;
  if ((await deps.credentials.rejected(way.system, first.version)) === 'broken') return first;
  return sendOnce(deps, way, request, authorize);
}

function refreshHelps({ config, manifest }: Way, answer: HttpAnswer): boolean {
  // Some systems refuse a credential inside a 200.
  const refused = answer.status === 401 || (answer.status === 200 && manifest.classify(answer)?.class === 'auth');
  if (!refused) return false;
  // A static key may have been replaced in its secret since it was read.
  if (!('refresh' in config.auth)) return true;
  if (config.auth.refresh === 'never') return false;
  return config.auth.refresh !== 'ttl' || manifest.saysTokenExpired(answer);
}

async function sendOnce(
  deps: SenderDeps,
  way: Way,
  request: OneRequest,
  authorize: () => Promise<Held>,
): Promise<Sent> {
  const held = await authorize();
  if ('refused' in held) return { result: held.refused, version: null, works: null };
  if ('unavailable' in held) {
    const waits = held.retryAfterMs !== undefined;
    const why = 'There is no usable credential for this system.';
    const result = notSent(waits ? 'transient' : 'auth', held.code, why, held.retryAfterMs);
    return { result, version: null, works: null };
  }
  const rate = await takeCall(deps, way, request);
  if (rate.kind === 'wait') {
    const why = rate.paused ? 'The system asked for a pause.' : 'The configured number of calls is used up.';
    const result = notSent('rate', rate.paused ? 'rate_paused' : 'rate_limit', why, rate.retryAfterMs);
    return { result, version: held.version, works: null };
  }
  const startedAtMs = deps.clock.now();
  const http = await deps.http.send(outbound(way, request, held));
  const works = await noteAnswer(deps, way, { http, startedAtMs, purpose: request.purpose });
  return { result: sendResult(http, request.purpose), version: held.version, works };
}

/** Takes one call; a wait that is short beside the time that is left is waited for here. */
async function takeCall(deps: SenderDeps, way: Way, { deadlineMs }: OneRequest): Promise<RateVerdict> {
  for (let waits = 0; ; waits += 1) {
    const rate = await deps.rates.take(credentialOf(way), way.config.limits);
    if (rate.kind === 'ok' || waits === mostWaits || rate.retryAfterMs > longestWaitMs) return rate;
    if (remainingMs(deadlineMs, deps.clock) < rate.retryAfterMs + callNeedsMs) return rate;
    await deps.clock.sleep(rate.retryAfterMs);
  }
}

function outbound(way: Way, request: OneRequest, credential: Credential) {
  const { spec } = request;
  const body = encodeBody(spec);
  const path = withQuery(spec.path + encodeQuery(spec.query), encodeQuery(credential.query));
  const signed = credential.sign?.({ method: spec.method, path, body: body?.bytes ?? null });
  return {
    origin: way.origin,
    method: spec.method,
    path,
    headers: {
      accept: 'application/json',
      'user-agent': 'plumbline',
      ...(body ? { 'content-type': body.contentType } : {}),
      ...(request.traceparent ? { traceparent: request.traceparent } : {}),
      ...spec.headers,
      ...credential.headers,
      ...signed,
    },
    body: body?.bytes ?? null,
    deadlineMs: request.deadlineMs,
    ...(request.mayWrite ? { mayWrite: request.mayWrite } : {}),
  };
}

/** A path that may have a query already, with more of it. */
function withQuery(path: string, more: string): string {
  return more !== '' && path.includes('?') ? `${path}&${more.slice(1)}` : path + more;
}

function sendResult(http: HttpResult, purpose: SendInput['purpose']): SendResult {
  if (http.kind === 'answer') return http;
  const { code, message } = http.fault;
  if (http.kind === 'not_sent') return notSent(code === 'unsafe_address' ? 'permission' : 'transient', code, message);
  return { kind: 'lost', error: { class: purpose === 'write' ? 'unknown_outcome' : 'transient', code, message } };
}
