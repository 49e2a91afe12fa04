import type { OperationClass } from '../resilience/breaker.ts';
import { sendWithReplay } from './exchange.ts';
import type { SendResult } from './sender.ts';
import {
  accountRequest,
  credentialOf,
  notSent,
  type OneRequest,
  ruleOf,
  type SenderDeps,
  type Way,
  wayTo,
} from './way.ts';

/** Codes of writes that never left because they were held back here: trying them later is no retry. */
export const heldBackCodes: readonly string[] = ['circuit_open', 'rate_limit', 'rate_paused'];

/** What may keep a write from being tried at all, asked before anything is claimed. */
export type SystemGate = {
  /**
   * Null where writes to a system may be tried: its breakers are closed, or were just closed by a read that was sent as the probe.
   * @param input.deadlineMs absolute time by which a probe must be answered
   */
  open(input: {
    readonly system: string;
    readonly deadlineMs: number;
  }): Promise<{ readonly retryAfterMs: number } | null>;
  /**
   * Until when a waiting write waits longer, in its turn: the breaker is open, the system asked for a pause, or the budget for
   * retries is used up. Null: it may be tried. No attempt is counted for a write that is held here.
   * @param input.again whether the system has seen this write before: then it is a retry
   */
  holdUntil(input: {
    readonly system: string;
    readonly deadlineMs: number;
    readonly again: boolean;
  }): Promise<number | null>;
  /** A time for one waiting write to ask again, not before `notBeforeMs`. */
  turn(system: string, notBeforeMs: number): Promise<number>;
};

/** Makes the gate in front of the one way out. Throws `store_unavailable` where the state of a system cannot be read. */
export function makeGate(deps: SenderDeps): SystemGate {
  const openNow = async (way: Way, deadlineMs: number) => {
    // A write is looked at before it is made: it needs reads to work too.
    const reads = await passWithProbe(deps, way, 'read', { deadlineMs });
    const refused = reads ?? (await passWithProbe(deps, way, 'write', { deadlineMs }));
    return refused === null ? null : { retryAfterMs: refused.error.retryAfterMs ?? way.config.breaker.stays };
  };
  return {
    open: async ({ system, deadlineMs }) => openNow(await wayTo(deps, system), deadlineMs),
    turn: async (system, notBeforeMs) =>
      deps.rates.turn(system, (await wayTo(deps, system)).config.limits, notBeforeMs),
    async holdUntil({ system, deadlineMs, again }) {
      const way = await wayTo(deps, system);
      const refused = await openNow(way, deadlineMs);
      const waits = refused ?? (await pauseOf(deps, way)) ?? (again ? await retryWaits(deps, way) : null);
      if (waits === null) return null;
      return deps.rates.turn(system, way.config.limits, deps.clock.now() + waits.retryAfterMs);
    },
  };
}

async function pauseOf(deps: SenderDeps, way: Way): Promise<{ readonly retryAfterMs: number } | null> {
  const retryAfterMs = await deps.rates.pausedMs(credentialOf(way), way.config.limits);
  return retryAfterMs > 0 ? { retryAfterMs } : null;
}

async function retryWaits(deps: SenderDeps, way: Way): Promise<{ readonly retryAfterMs: number } | null> {
  const verdict = await deps.rates.takeRetry(credentialOf(way), way.config.limits);
  return verdict.kind === 'wait' ? verdict : null;
}

type Refused = Extract<SendResult, { kind: 'not_sent' }>;
type Asking = Pick<OneRequest, 'deadlineMs' | 'traceparent'>;

/** Null where the request may go. A write that comes after the wait lets the account question go first, as the probe. */
export async function passBreaker(
  deps: SenderDeps,
  way: Way,
  request: Pick<OneRequest, 'purpose'> & Asking,
): Promise<Refused | null> {
  if (request.purpose === 'write') return passWithProbe(deps, way, 'write', request);
  const verdict = await deps.breakers.ask({ system: way.system, class: 'read' }, ruleOf(way), true);
  return verdict.kind === 'refuse' ? circuitOpen(verdict.retryAfterMs) : null;
}

/** Null where a breaker is closed, or was just closed by the account question, sent as its probe. */
async function passWithProbe(
  deps: SenderDeps,
  way: Way,
  kind: OperationClass,
  request: Asking,
): Promise<Refused | null> {
  const [name, rule] = [{ system: way.system, class: kind }, ruleOf(way)];
  const first = await deps.breakers.ask(name, rule, false);
  if (first.kind === 'pass') return null;
  if (first.kind === 'refuse') return circuitOpen(first.retryAfterMs);
  const probe = await deps.breakers.ask(name, rule, true);
  if (probe.kind === 'refuse') return circuitOpen(probe.retryAfterMs);
  const { works } = await sendWithReplay(deps, way, accountRequest(way, request));
  if (works !== null) await deps.breakers.tell(name, rule, works ? 'probe_works' : 'fails');
  const second = await deps.breakers.ask(name, rule, false);
  if (second.kind === 'pass') return null;
  return circuitOpen(second.kind === 'refuse' ? second.retryAfterMs : way.config.breaker.stays);
}

function circuitOpen(retryAfterMs: number): Refused {
  const why = 'The system failed repeatedly and is left alone for now.';
  return notSent('transient', 'circuit_open', why, retryAfterMs);
}
