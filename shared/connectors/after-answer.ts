import type { HttpFault, HttpResult } from '../http/result.ts';
import type { Classified } from '../model/operation.ts';
import { parseRetryAfter } from '../resilience/backoff.ts';
import type { SendInput } from './sender.ts';
import { credentialOf, ruleOf, type SenderDeps, type Way } from './way.ts';

/** How long a system is left alone that wants fewer calls and does not say for how long, milliseconds. */
export const defaultPauseMs = 10_000;

/** The longest pause for everybody that the system itself did not ask for, milliseconds. */
const longestGuessMs = 60_000;

type Answered = {
  readonly http: HttpResult;
  readonly startedAtMs: number;
  readonly purpose: SendInput['purpose'];
};

/**
 * Tells the metrics, the breaker of the operation class, and, where the system wants fewer calls, everybody who uses the
 * credential. None of it may change what became of the request. Resolves to whether the system was seen working; null: neither.
 */
export async function noteAnswer(
  deps: SenderDeps,
  way: Way,
  { http, startedAtMs, purpose }: Answered,
): Promise<boolean | null> {
  const { system } = way;
  const outcome = http.kind === 'answer' ? `${Math.floor(http.answer.status / 100)}xx` : http.fault.code;
  deps.log.metric('SystemCall', deps.clock.now() - startedAtMs, 'Milliseconds', { system, outcome });
  const said = http.kind === 'answer' ? way.manifest.classify(http.answer) : null;
  const works = worksOf(http, said);
  try {
    if (http.kind === 'answer') noteHeadroom(deps, way, http);
    if (http.kind === 'answer' && said?.class === 'rate') await pause(deps, way, http, said);
    const name = { system, class: purpose === 'write' ? 'write' : 'read' } as const;
    if (works !== null) await deps.breakers.tell(name, ruleOf(way), works ? 'works' : 'fails');
  } catch (error) {
    deps.log.warn('The state that guards a system could not be told.', { system, reason: (error as Error).name });
  }
  return works;
}

type Arrived = Extract<HttpResult, { kind: 'answer' }>;

function noteHeadroom(deps: SenderDeps, { system, manifest }: Way, { answer }: Arrived): void {
  for (const { limit, remaining } of manifest.headroom(answer)) {
    deps.log.metric('SystemHeadroom', remaining, 'Count', { system, limit });
  }
}

async function pause(deps: SenderDeps, way: Way, { answer }: Arrived, said: Classified): Promise<void> {
  deps.log.metric('SystemRateLimited', 1, 'Count', { system: way.system });
  const nowMs = deps.clock.now();
  const header = answer.headers['retry-after'];
  // What the system says counts. What only its error table knows may be wrong: then everybody asks again within a minute.
  const guessedMs = Math.min(said.retryAfterMs ?? defaultPauseMs, longestGuessMs);
  const waitMs = header === undefined ? guessedMs : (said.retryAfterMs ?? parseRetryAfter(header, nowMs) ?? guessedMs);
  await deps.rates.pause(credentialOf(way), way.config.limits, nowMs + waitMs);
}

/**
 * Whether a request showed the system working or failing; null where it says nothing about the system. The connector's own
 * reading counts: there are systems that refuse values with 500, and others that say 200 and fail.
 */
function worksOf(http: HttpResult, said: Classified | null): boolean | null {
  if (http.kind === 'answer') {
    const { status } = http.answer;
    if (status >= 300 && status < 500) return true;
    return said === null ? status < 500 : said.class !== 'transient' && said.class !== 'unknown_outcome';
  }
  const ours: readonly HttpFault['code'][] = ['not_permitted', 'aborted', 'unsafe_address', 'response_too_large'];
  if (http.kind === 'not_sent' && http.fault.code === 'deadline') return null;
  return ours.includes(http.fault.code) ? null : false;
}
