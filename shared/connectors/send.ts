import { PlumblineError } from '../model/errors.ts';
import { backoffMs } from '../resilience/backoff.ts';
import { nearerDeadline, remainingMs } from '../resilience/deadline.ts';
import { type Accounts, knownCredential } from './account-question.ts';
import { type Sent, sendWithReplay } from './exchange.ts';
import { passBreaker } from './gate.ts';
import type { Sender, SendResult } from './sender.ts';
import { credentialOf, notSent, type OneRequest, randomOf, type SenderDeps, type Way, wayTo } from './way.ts';

/** Longest time of a request that names none, milliseconds. */
const defaultTimeoutMs = 15_000;
/** A read that failed is asked once more within this time, and only where so much time is left for it. */
const readAgainWithinMs = 500;
const readAgainNeedsMs = 3000;

/**
 * Makes the one way out to systems: breaker, credential, account check before a process's first write with it,
 * rate limit, deadline, one HTTP request, and one replay of the same request after a refreshed 401. A read that found the
 * system failing is asked once more; writes are retried by the kernel alone. Anything that stops a request before it is
 * written is `not_sent`. What an answer means is for the operation to judge.
 */
export function makeSender(deps: SenderDeps): Sender {
  const accounts: Accounts = { checked: new Map(), asking: new Map() };
  return async (input) => {
    const deadlineMs = nearerDeadline(input.deadlineMs, input.spec.timeoutMs ?? defaultTimeoutMs, deps.clock);
    const request: OneRequest = { ...input, deadlineMs };
    try {
      const way = await wayTo(deps, input.system);
      const result =
        (await passBreaker(deps, way, request)) ??
        (input.purpose === 'write' ? await write(deps, way, request, accounts) : await read(deps, way, request));
      return input.purpose === 'write' ? await inTurn(deps, way, result) : result;
    } catch (error) {
      // Everything that throws here does so before the request is written: the client itself answers by value.
      if (error instanceof PlumblineError && error.code === 'store_unavailable') {
        return notSent('transient', error.code, 'The state that guards this system could not be read.');
      }
      throw error;
    }
  };
}

async function write(deps: SenderDeps, way: Way, request: OneRequest, accounts: Accounts): Promise<SendResult> {
  return (await sendWithReplay(deps, way, request, () => knownCredential(deps, way, request, accounts))).result;
}

/** A read, and once more where the system failed it and the budget for retries has room. */
async function read(deps: SenderDeps, way: Way, request: OneRequest): Promise<SendResult> {
  const first = await sendWithReplay(deps, way, request);
  if (!(await mayAskAgain(deps, way, request, first))) return first.result;
  const pauseMs = backoffMs(
    { backoff: { baseMs: readAgainWithinMs, capMs: readAgainWithinMs }, random: randomOf(deps) },
    { attempt: 1 },
  );
  await deps.clock.sleep(pauseMs);
  // The failure may have opened the breaker; a probe that failed has.
  if ((await passBreaker(deps, way, request)) !== null) return first.result;
  return (await sendWithReplay(deps, way, request)).result;
}

async function mayAskAgain(deps: SenderDeps, way: Way, request: OneRequest, first: Sent): Promise<boolean> {
  if (first.works !== false || remainingMs(request.deadlineMs, deps.clock) < readAgainNeedsMs) return false;
  return (await deps.rates.takeRetry(credentialOf(way), way.config.limits)).kind === 'ok';
}

/** A write that has to wait is told when its turn is, so that not all come back at once. */
async function inTurn(deps: SenderDeps, way: Way, result: SendResult): Promise<SendResult> {
  if (result.kind !== 'not_sent') return result;
  const { error } = result;
  if (error.class !== 'rate' && error.code !== 'circuit_open') return result;
  const nowMs = deps.clock.now();
  const turnMs = await deps.rates.turn(way.system, way.config.limits, nowMs + (error.retryAfterMs ?? 0));
  return { kind: 'not_sent', error: { ...error, retryAfterMs: turnMs - nowMs } };
}
