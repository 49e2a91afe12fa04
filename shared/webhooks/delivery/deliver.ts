import type { PlumblineConfig } from '../../config/schema.ts';
import type { HttpClient } from '../../http/client.ts';
import type { HttpResult } from '../../http/result.ts';
import type { CaseStore, LedgerStore } from '../../ledger/ports.ts';
import type { Case, CaseOpening } from '../../model/case.ts';
import type { Clock, Random } from '../../model/clock.ts';
import { newId } from '../../model/ids.ts';
import type { Log } from '../../observe/log.ts';
import { type Backoff, backoffMs, parseRetryAfter } from '../../resilience/backoff.ts';
import type { BreakerGuard } from '../../resilience/breaker-guard.ts';
import { deliveryEntry, subscriberDownCase, subscriberDownKey, undeliveredCase } from './delivery-record.ts';
import type { DeliveryMessage, DeliveryOutcome, DeliveryStore } from './ports.ts';
import type { RuleVerdict, UndeliveredEvent } from './rule.ts';
import { signedDelivery, signingKey } from './sign.ts';
import { deliveryId, type Endpoint, endpointFor } from './subscribers.ts';

/** What delivering needs. */
export type DeliverDeps = {
  readonly config: Pick<PlumblineConfig, 'agents' | 'owners'>;
  readonly deliveries: DeliveryStore;
  readonly http: Pick<HttpClient, 'send'>;
  readonly breakers: BreakerGuard;
  /** Values of a secret, current first; empty where there is none. */
  readonly secretsOf: (name: string) => Promise<readonly string[]>;
  /** Keys of event handles, newest first; empty where there are none. */
  readonly handleKeys: () => Promise<readonly Uint8Array[]>;
  /** Asks a rule of config/rules. Throws where there is none of the name. */
  readonly decide: (rule: string, event: UndeliveredEvent) => Promise<RuleVerdict>;
  readonly ledger: Pick<LedgerStore, 'append'>;
  readonly cases: Pick<CaseStore, 'open' | 'settle'>;
  readonly tell: (opened: Case) => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
};

/** `done`: the message may be deleted. `later`: it must become visible again after `delayMs`. */
export type Delivered = { readonly kind: 'done' } | { readonly kind: 'later'; readonly delayMs: number };

/** How long one attempt may take, milliseconds. */
export const attemptMs = 10_000;
/** An attempt that begins this much before the deadline is the last one. */
const lastAttemptMs = attemptMs + 5_000;
/** The worker's timeout and five seconds. */
const leaseMs = 65_000;
/** The queue forgets after 14 days; what still waits a day before that is a case. */
const longestWaitMs = 13 * 86_400_000;
const backoff: Backoff = { baseMs: 2_000, capMs: 300_000 };
/** The longer an event has waited, the longer it waits again, so that 13 days are not more attempts than the queue counts. */
const shareOfAge = 50;
const rule = { opensAfter: 5, staysMs: 30_000 };
const maxAnswerBytes = 1_048_576;

type Work = {
  readonly message: DeliveryMessage;
  readonly endpoint: Endpoint;
  readonly owner: string;
  readonly attempts: number;
};

/**
 * Delivers one event to one subscriber: claim, breaker, one signed request, ledger, finished. After a 2xx it is never delivered
 * again; before one it is tried until the deadline, and then handled as the endpoint's `whileDown` says. At least once: an
 * answer that got lost, or a crash before the record is written, brings the same `webhook-id` again.
 * Throws `store_unavailable` where a store did not answer; the message then comes again.
 */
export async function deliver(deps: DeliverDeps, message: DeliveryMessage): Promise<Delivered> {
  const nowMs = deps.clock.now();
  const owner = newId('own', nowMs, deps.random);
  const id = deliveryId(message);
  const claimed = await deps.deliveries.claim({ id, owner, nowMs, leaseMs });
  if (claimed.kind === 'done') return { kind: 'done' };
  if (claimed.kind === 'busy') return { kind: 'later', delayMs: claimed.leaseUntilMs - nowMs + 500 };
  try {
    const endpoint = endpointFor(deps.config.agents, message);
    if (!endpoint) return await finish(deps, { message, owner }, 'not_subscribed', null);
    return await attempt(deps, { message, endpoint, owner, attempts: claimed.attempts });
  } catch (error) {
    await deps.deliveries.release({ id, owner, nowMs: deps.clock.now() }).catch(() => undefined);
    throw error;
  }
}

async function attempt(deps: DeliverDeps, work: Work): Promise<Delivered> {
  const { message, endpoint } = work;
  const breaker = { system: `agent:${message.agent}`, class: 'read' } as const;
  // A delivery under its stable id is harmless twice: it may be what tries out an endpoint that was down.
  const asked = await deps.breakers.ask(breaker, rule, true);
  if (asked.kind !== 'pass') return again(deps, work, asked.kind === 'refuse' ? asked.retryAfterMs : rule.staysMs);
  const sent = await send(deps, work);
  const status = sent?.kind === 'answer' ? sent.answer.status : null;
  const took = status !== null && status >= 200 && status < 300;
  const outcome = took ? 'taken' : status === null ? 'unreachable' : `http_${status}`;
  deps.log.metric('event_delivery', 1, 'Count', { agent: message.agent, outcome });
  await deps.breakers.tell(breaker, rule, took ? 'works' : 'fails');
  if (took) {
    const late = deps.clock.now() - message.queuedAtMs > endpoint.deadline - lastAttemptMs;
    if ('probe' in asked || late) await backAgain(deps, message.agent);
    return finish(deps, work, 'delivered', null);
  }
  const retryAfter = sent?.kind === 'answer' ? sent.answer.headers['retry-after'] : undefined;
  const askedMs = parseRetryAfter(retryAfter, deps.clock.now()) ?? undefined;
  const waitMs = backoffMs({ backoff, random: deps.random }, { attempt: work.attempts, retryAfterMs: askedMs });
  return again(deps, { ...work, endpoint }, waitMs);
}

/** Null where the endpoint's secret or the key of event handles is missing or no key: then nothing can be signed. */
async function send(deps: DeliverDeps, { message, endpoint }: Work): Promise<HttpResult | null> {
  const [secrets, [handleKey]] = await Promise.all([deps.secretsOf(endpoint.secret), deps.handleKeys()]);
  const keys = secrets.map(signingKey).filter((key) => key !== null);
  // The current one must be a key: signing under the one before it alone would hide that.
  if (signingKey(secrets[0] ?? '') === null || handleKey === undefined) {
    const missing = handleKey === undefined ? 'key of event handles' : 'endpoint secret that is a key';
    deps.log.error('An event cannot be signed.', { principal: `agent:${message.agent}`, reason: `no ${missing}` });
    return null;
  }
  const nowMs = deps.clock.now();
  const { body, headers } = signedDelivery({ message, keys, handleKey, nowMs });
  const { origin, pathname, search } = new URL(endpoint.url);
  const path = pathname + search;
  const limits = { deadlineMs: nowMs + attemptMs, maxResponseBytes: maxAnswerBytes };
  return deps.http.send({ origin, method: 'POST', path, headers, body, ...limits });
}

/** What could not be delivered waits, at most until the last moment before its deadline; there `whileDown` decides. */
async function again(deps: DeliverDeps, work: Work, waitMs: number): Promise<Delivered> {
  const { message, endpoint, owner } = work;
  const nowMs = deps.clock.now();
  const ageMs = nowMs - message.queuedAtMs;
  const leftMs = endpoint.deadline - lastAttemptMs - ageMs;
  if (leftMs <= 0) {
    if (endpoint.whileDown !== 'queue' || ageMs >= longestWaitMs) return overdue(deps, work);
    await openCase(deps, subscriberDownCase(message, ownerOf(deps, message)));
  }
  await deps.deliveries.release({ id: deliveryId(message), owner, nowMs });
  // Apart from each other, so that an endpoint that is back is not met by all of them at once.
  const apartMs = backoffMs({ backoff: { baseMs: 5_000, capMs: 5_000 }, random: deps.random }, { attempt: 1 });
  const delayMs = Math.max(waitMs, 1_000, ageMs / shareOfAge) + apartMs;
  return { kind: 'later', delayMs: leftMs > 0 ? Math.min(delayMs, leftMs) : delayMs };
}

async function overdue(deps: DeliverDeps, work: Work): Promise<Delivered> {
  const { message, endpoint } = work;
  const verdict = endpoint.whileDown === 'rule' ? await ruled(deps, endpoint.rule ?? '', message) : null;
  if (verdict?.kind === 'ignore') return finish(deps, work, 'rule', verdict.why);
  const words = verdict ? { words: verdict } : {};
  await openCase(deps, undeliveredCase(message, { owner: ownerOf(deps, message), ...words }));
  return finish(deps, work, verdict ? 'rule' : 'case', verdict ? 'case' : null);
}

/** The endpoint takes events again: the case that asked for its repair is settled. */
async function backAgain(deps: DeliverDeps, agent: string): Promise<void> {
  const reason = 'The endpoint takes events again.';
  const resolution = { by: 'service:plumbline', atMs: deps.clock.now(), reason, decision: 'answered_again' };
  await deps.cases.settle(subscriberDownKey(agent), resolution);
}

/** A rule that fails decides nothing: then a person does. */
async function ruled(deps: DeliverDeps, name: string, message: DeliveryMessage): Promise<RuleVerdict | null> {
  const { eventId, agent, system, type, record, occurredAtMs } = message;
  try {
    return await deps.decide(name, { eventId, agent, system, type, record, occurredAtMs });
  } catch (error) {
    deps.log.error('A rule failed; a case was opened instead.', { principal: `agent:${agent}`, reason: name }, error);
    return null;
  }
}

async function openCase(deps: DeliverDeps, opening: CaseOpening): Promise<void> {
  await deps.tell(await deps.cases.open(opening, deps.clock.now()));
}

function ownerOf({ config }: DeliverDeps, { agent }: DeliveryMessage): string {
  return config.agents[agent]?.owner ?? Object.keys(config.owners.teams)[0] ?? 'operators';
}

/** Ledger first, then the record: a delivery that counts as ended is on the ledger. */
async function finish(
  deps: DeliverDeps,
  { message, owner }: Pick<Work, 'message' | 'owner'>,
  outcome: DeliveryOutcome,
  note: string | null,
): Promise<Delivered> {
  const nowMs = deps.clock.now();
  await deps.ledger.append(deliveryEntry(message, { outcome, note, nowMs }));
  const ended = await deps.deliveries.finish({ id: deliveryId(message), owner, nowMs, outcome });
  deps.log.metric('event_delivery_ended', nowMs - message.queuedAtMs, 'Milliseconds', {
    agent: message.agent,
    outcome,
  });
  // Whoever has the lease now has this same message.
  return ended === 'done' ? { kind: 'done' } : { kind: 'later', delayMs: leaseMs };
}
