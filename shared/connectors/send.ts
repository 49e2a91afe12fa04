import type { PlumblineConfig, SystemConfig } from '../config/schema.ts';
import type { HttpClient } from '../http/client.ts';
import { encodeBody } from '../http/digest.ts';
import { encodeQuery } from '../http/path.ts';
import type { HttpFault, HttpResult } from '../http/result.ts';
import type { Clock } from '../model/clock.ts';
import { PlumblineError } from '../model/errors.ts';
import type { Classified, FailureClass, HttpAnswer } from '../model/operation.ts';
import type { Log } from '../observe/log.ts';
import { parseRetryAfter } from '../resilience/backoff.ts';
import type { BreakerGuard } from '../resilience/breaker-guard.ts';
import { nearerDeadline } from '../resilience/deadline.ts';
import type { RateLimiter } from '../resilience/rate-limit.ts';
import { judgeAccount } from './account-check.ts';
import type { Credential, CredentialSource } from './credentials.ts';
import type { ConnectorManifest } from './manifest.ts';
import { originOf } from './origin.ts';
import type { Connector } from './registry.ts';
import type { Sender, SendInput, SendResult } from './sender.ts';

export type SenderDeps = {
  readonly systems: PlumblineConfig['systems'];
  readonly loadConnector: (name: string) => Promise<Pick<Connector, 'manifest' | 'onSystem'>>;
  readonly credentials: CredentialSource;
  readonly http: HttpClient;
  readonly breakers: BreakerGuard;
  readonly rates: RateLimiter;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether this deployment may write to systems that say they are production. */
  readonly productionStage: boolean;
  /** Stage `local` only: origins of the simulators, by system. */
  readonly localOrigins?: { readonly [system: string]: string } | undefined;
};

/** Longest time of a request that names none, milliseconds. */
const defaultTimeoutMs = 15_000;

/** Everything one request needs to know of its system. */
type Way = {
  readonly system: string;
  readonly config: SystemConfig;
  readonly manifest: ConnectorManifest;
  readonly origin: string;
};

type Sent = { readonly result: SendResult; readonly version: number | null };
type OneRequest = Pick<SendInput, 'spec' | 'purpose' | 'mayWrite' | 'traceparent'> & { readonly deadlineMs: number };

/**
 * Makes the one way out to systems: breaker, account check before a process's first write with a credential, credential,
 * rate limit, deadline, one HTTP request, and one replay of the same request after a refreshed 401. Anything that stops
 * a request before it is written is `not_sent`. What an answer means is for the operation to judge.
 */
export function makeSender(deps: SenderDeps): Sender {
  const accounts: Accounts = { checked: new Map(), asking: new Map() };
  return async (input) => {
    const deadlineMs = nearerDeadline(input.deadlineMs, input.spec.timeoutMs ?? defaultTimeoutMs, deps.clock);
    const request: OneRequest = { ...input, deadlineMs };
    try {
      const way = await wayTo(deps, input.system);
      const closed = await passBreaker(deps, way, request);
      if (closed) return closed;
      const before = input.purpose === 'write' ? await knownAccount(deps, way, request, accounts) : null;
      return before ?? (await sendWithReplay(deps, way, request)).result;
    } catch (error) {
      // Everything that throws here does so before the request is written: the client itself answers by value.
      if (error instanceof PlumblineError && error.code === 'store_unavailable') {
        return notSent('transient', error.code, 'The state that guards this system could not be read.');
      }
      throw error;
    }
  };
}

async function wayTo(deps: SenderDeps, system: string): Promise<Way> {
  const config = Object.hasOwn(deps.systems, system) ? deps.systems[system] : undefined;
  if (!config) {
    throw new PlumblineError(`There is no system named ${system}.`, {
      code: 'config_invalid',
      retry: 'never',
      hint: 'Name a file of config/systems.',
    });
  }
  const connector = await deps.loadConnector(config.connector);
  const { manifest } = connector.onSystem?.(system, config) ?? connector;
  return { system, config, manifest, origin: originOf(manifest, config, deps.localOrigins?.[system]) };
}

const ruleOf = ({ config }: Way) => ({ opensAfter: config.breaker.opensAfter, staysMs: config.breaker.stays });

/** Null where the request may go. A write that comes after the wait lets the account question go first, as the probe. */
async function passBreaker(deps: SenderDeps, way: Way, request: OneRequest): Promise<SendResult | null> {
  const readOnly = request.purpose !== 'write';
  const first = await deps.breakers.ask(way.system, ruleOf(way), readOnly);
  if (first.kind === 'pass') return null;
  const refused = (retryAfterMs: number) =>
    notSent('transient', 'circuit_open', 'The system failed repeatedly and is left alone for now.', retryAfterMs);
  if (first.kind === 'refuse') return refused(first.retryAfterMs);
  const probe = await deps.breakers.ask(way.system, ruleOf(way), true);
  if (probe.kind === 'refuse') return refused(probe.retryAfterMs);
  await sendWithReplay(deps, way, accountRequest(way, request));
  const second = await deps.breakers.ask(way.system, ruleOf(way), false);
  return second.kind === 'pass'
    ? null
    : refused(second.kind === 'refuse' ? second.retryAfterMs : way.config.breaker.stays);
}

function accountRequest(way: Way, { deadlineMs, traceparent }: OneRequest): OneRequest {
  const spec = way.manifest.account.request(way.config.apiVersion);
  return { spec, purpose: 'read', deadlineMs, ...(traceparent ? { traceparent } : {}) };
}

/** Which credential versions are known to lead to the configured account, and the questions under way. */
type Accounts = {
  readonly checked: Map<string, number>;
  readonly asking: Map<string, Promise<SendResult | null>>;
};

/** Null where writes may go; asked again whenever the credential is another, once for all writes that wait for it. */
async function knownAccount(
  deps: SenderDeps,
  way: Way,
  request: OneRequest,
  { checked, asking }: Accounts,
): Promise<SendResult | null> {
  const held = await deps.credentials.authorize(way.system);
  if ('version' in held && checked.get(way.system) === held.version) return null;
  const running = asking.get(way.system);
  if (running !== undefined) return running;
  const question = askAccount(deps, way, request, checked).finally(() => asking.delete(way.system));
  asking.set(way.system, question);
  return question;
}

async function askAccount(
  deps: SenderDeps,
  way: Way,
  request: OneRequest,
  checked: Map<string, number>,
): Promise<SendResult | null> {
  const { account } = way.manifest;
  const { apiVersion } = way.config;
  const first = await askOnce(deps, way, accountRequest(way, request));
  if (first.kind === 'refused') return first.result;
  const second = account.also
    ? await askOnce(deps, way, { ...accountRequest(way, request), spec: account.also(apiVersion) })
    : null;
  if (second?.kind === 'refused') return second.result;
  const also = second ? { also: second.answer } : {};
  const verdict = judgeAccount({ ...way, answer: first.answer, ...also, productionStage: deps.productionStage });
  if (verdict.kind === 'mismatch') {
    return notSent('permission', 'account_mismatch', `Nothing is written to ${way.system}: ${verdict.why}.`);
  }
  const { version } = first;
  if (version !== null && (second === null || second.version === version)) checked.set(way.system, version);
  return null;
}

type Asked =
  | { readonly kind: 'answered'; readonly answer: HttpAnswer; readonly version: number | null }
  | { readonly kind: 'refused'; readonly result: SendResult };

/** One question to the system about itself. */
async function askOnce(deps: SenderDeps, way: Way, question: OneRequest): Promise<Asked> {
  const { result, version } = await sendWithReplay(deps, way, question);
  const refused = (kind: FailureClass, message: string, waitMs?: number): Asked => {
    return { kind: 'refused', result: notSent(kind, 'account_unanswered', message, waitMs) };
  };
  if (result.kind !== 'answer') {
    const error = { ...result.error, class: beforeWrite(result.error) };
    return { kind: 'refused', result: { kind: 'not_sent', error } };
  }
  const { answer } = result;
  if (answer.status === 401) return refused('auth', 'The system does not accept our credential.');
  if (answer.status === 429) {
    const waitMs = parseRetryAfter(answer.headers['retry-after'], deps.clock.now()) ?? 10_000;
    return refused('rate', 'The system takes no more calls for now.', waitMs);
  }
  if (answer.status >= 500) return refused('transient', 'The system did not say which account it is.');
  return { kind: 'answered', answer, version };
}

/** A question that got lost changed nothing: the write behind it was not sent. */
function beforeWrite(error: Classified): FailureClass {
  return error.class === 'unknown_outcome' ? 'transient' : error.class;
}

/** Sends, and once more where the system says that the credential has ended and a newer one could be had. */
async function sendWithReplay(deps: SenderDeps, way: Way, request: OneRequest): Promise<Sent> {
  const first = await sendOnce(deps, way, request);
  if (first.result.kind !== 'answer' || first.version === null) return first;
  if (!refreshHelps(way, first.result.answer)) return first;
  if ((await deps.credentials.rejected(way.system, first.version)) === 'broken') return first;
  return sendOnce(deps, way, request);
}

function refreshHelps({ config, manifest }: Way, answer: HttpAnswer): boolean {
  if (answer.status !== 401) return false;
  // A static key may have been replaced in its secret since it was read.
  if (!('refresh' in config.auth)) return true;
  if (config.auth.refresh === 'never') return false;
  return config.auth.refresh !== 'ttl' || manifest.saysTokenExpired(answer);
}

async function sendOnce(deps: SenderDeps, way: Way, request: OneRequest): Promise<Sent> {
  const held = await deps.credentials.authorize(way.system);
  if ('unavailable' in held) {
    const waits = held.retryAfterMs !== undefined;
    const why = 'There is no usable credential for this system.';
    return { result: notSent(waits ? 'transient' : 'auth', held.code, why, held.retryAfterMs), version: null };
  }
  const rate = await deps.rates.take(way.system, way.config.limits);
  if (rate.kind === 'wait') {
    const why = 'The configured number of calls is used up.';
    return { result: notSent('rate', 'rate_limit', why, rate.retryAfterMs), version: held.version };
  }
  const startedAtMs = deps.clock.now();
  const http = await deps.http.send(outbound(way, request, held));
  await afterwards(deps, way, http, startedAtMs);
  return { result: sendResult(http, request.purpose), version: held.version };
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

/** Tells the breaker and the metrics; neither may change what became of the request. */
async function afterwards(deps: SenderDeps, way: Way, http: HttpResult, startedAtMs: number): Promise<void> {
  const outcome = http.kind === 'answer' ? `${Math.floor(http.answer.status / 100)}xx` : http.fault.code;
  const durationMs = deps.clock.now() - startedAtMs;
  deps.log.metric('SystemCall', durationMs, 'Milliseconds', { system: way.system, outcome });
  const works = worksOf(http);
  if (works === null) return;
  try {
    await deps.breakers.tell(way.system, ruleOf(way), works);
  } catch (error) {
    deps.log.warn('The breaker could not be told.', { system: way.system, reason: (error as Error).name });
  }
}

/** Whether a request showed the system working or failing; null where it says nothing about the system. */
function worksOf(http: HttpResult): boolean | null {
  if (http.kind === 'answer') return http.answer.status < 500;
  const ours: readonly HttpFault['code'][] = ['not_permitted', 'aborted', 'unsafe_address', 'response_too_large'];
  if (http.kind === 'not_sent' && http.fault.code === 'deadline') return null;
  return ours.includes(http.fault.code) ? null : false;
}

function sendResult(http: HttpResult, purpose: SendInput['purpose']): SendResult {
  if (http.kind === 'answer') return http;
  const { code, message } = http.fault;
  if (http.kind === 'not_sent') return notSent(code === 'unsafe_address' ? 'permission' : 'transient', code, message);
  return { kind: 'lost', error: { class: purpose === 'write' ? 'unknown_outcome' : 'transient', code, message } };
}

function notSent(kind: FailureClass, code: string, message: string, retryAfterMs?: number): SendResult {
  const error = { class: kind, code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  return { kind: 'not_sent', error };
}
