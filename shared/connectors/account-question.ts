import type { Classified, FailureClass, HttpAnswer } from '../model/operation.ts';
import { parseRetryAfter } from '../resilience/backoff.ts';
import { judgeAccount } from './account-check.ts';
import { defaultPauseMs } from './after-answer.ts';
import { type Held, sendWithReplay } from './exchange.ts';
import { passBreaker } from './gate.ts';
import type { SendResult } from './sender.ts';
import { accountRequest, notSent, type OneRequest, type SenderDeps, type Way } from './way.ts';

/** Which credential versions are known to lead to the configured account, and the questions under way. */
export type Accounts = {
  readonly checked: Map<string, number>;
  readonly asking: Map<string, Promise<SendResult | null>>;
};

/** A credential changes at most so often while its account is asked; then the write comes again later. */
const mostChanges = 3;

/**
 * The credential for a write: one that is known to lead to the configured account. The system is asked whenever the credential is
 * another, once for all writes that wait for it, also before the same request is sent again under a newer one.
 */
export async function knownCredential(
  deps: SenderDeps,
  way: Way,
  request: OneRequest,
  { checked, asking }: Accounts,
): Promise<Held> {
  for (let round = 0; round < mostChanges; round += 1) {
    const held = await deps.credentials.authorize(way.system);
    if ('unavailable' in held || checked.get(way.system) === held.version) return held;
    const question =
      asking.get(way.system) ?? askAccount(deps, way, request, checked).finally(() => asking.delete(way.system));
    asking.set(way.system, question);
    const refused = await question;
    if (refused !== null) return { refused };
  }
  return { refused: notSent('transient', 'account_unanswered', 'The credential changed while its account was asked.') };
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

/** One question to the system about itself. What it means is for the connector to say: 403 may only mean "not now". */
async function askOnce(deps: SenderDeps, way: Way, question: OneRequest): Promise<Asked> {
  const closed = await passBreaker(deps, way, question);
  const { result, version } = closed ? { result: closed, version: null } : await sendWithReplay(deps, way, question);
  if (result.kind !== 'answer') {
    const error = { ...result.error, class: beforeWrite(result.error.class) };
    return { kind: 'refused', result: { kind: 'not_sent', error } };
  }
  const { answer } = result;
  const said = way.manifest.classify(answer);
  const refused = (kind: FailureClass, message: string, waitMs?: number): Asked => {
    return { kind: 'refused', result: notSent(kind, 'account_unanswered', message, waitMs) };
  };
  if (said?.class === 'auth') return refused('auth', 'The system does not accept our credential.');
  if (said?.class === 'rate') {
    return refused('rate', 'The system takes no more calls for now.', waitOf(answer, said, deps.clock.now()));
  }
  if (said?.class === 'transient' || answer.status >= 500) {
    return refused('transient', 'The system did not say which account it is.', said?.retryAfterMs);
  }
  return { kind: 'answered', answer, version };
}

function waitOf(answer: HttpAnswer, said: Classified, nowMs: number): number {
  return said.retryAfterMs ?? parseRetryAfter(answer.headers['retry-after'], nowMs) ?? defaultPauseMs;
}

/** A question that got lost changed nothing: the write behind it was not sent. */
function beforeWrite(kind: FailureClass): FailureClass {
  return kind === 'unknown_outcome' ? 'transient' : kind;
}
