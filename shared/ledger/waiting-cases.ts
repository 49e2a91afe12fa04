import type { ActionStore } from '../action/store.ts';
import type { PlumblineConfig, SystemConfig } from '../config/schema.ts';
import type { CaseOpening } from '../model/case.ts';
import { breakersOf } from '../resilience/breaker-guard.ts';
import type { ResilienceStore } from '../resilience/ports.ts';
import { readWaiting } from '../resilience/turns.ts';
import { type NoticeDeps, notify } from './notices.ts';
import type { CaseStore } from './ports.ts';

/** What watching systems that are waited for needs. */
export type WaitingDeps = NoticeDeps & {
  readonly cases: Pick<CaseStore, 'open' | 'settle'>;
  readonly config: Pick<PlumblineConfig, 'systems' | 'owners'>;
  readonly actions: Pick<ActionStore, 'due' | 'dueShards'>;
  readonly state: Pick<ResilienceStore, 'read'>;
};

const caseDueMs = 4 * 3_600_000;
/** An action so long overdue says that nobody works on what is due: then a turn that has passed proves nothing. */
const overdueMs = 120_000;

/** The dedupe key of the case that says that writes to a system have waited for too long. */
export const waitingKey = (system: string): string => `waiting#${system}`;
/** The dedupe key of the case that says that a system is left alone and writes to it are refused. */
export const circuitKey = (system: string): string => `circuit#${system}`;

/**
 * Opens one case a system for its owner where writes have waited without a pause for longer than the system's `waitingAlarm`, and
 * settles it once the last turn has passed and nothing is overdue. Settles the case of a system that was left alone once it is
 * asked again. Throws `store_unavailable`; the next tick looks again.
 */
export async function watchWaiting(deps: WaitingDeps, nowMs: number): Promise<void> {
  const behind = await isBehind(deps, nowMs);
  for (const [system, config] of Object.entries(deps.config.systems)) {
    const waiting = await readWaiting(deps.state, system, nowMs);
    if (waiting !== null) {
      deps.log.metric('WaitingMs', nowMs - waiting.sinceMs, 'Milliseconds', { system });
      if (nowMs - waiting.sinceMs >= config.waitingAlarm) await openCase(deps, system, config, waiting.sinceMs);
    } else if (!behind) {
      await settle(deps, waitingKey(system), nowMs, 'Nothing waits for it any more.');
    }
    if (config.breaker.whileOpen !== 'case') continue;
    const { read, write } = await breakersOf(deps.state, system);
    if (read.kind === 'closed' && write.kind === 'closed') {
      await settle(deps, circuitKey(system), nowMs, 'The system works again.');
    }
  }
}

async function isBehind({ actions }: WaitingDeps, nowMs: number): Promise<boolean> {
  const shards = Array.from({ length: actions.dueShards }, (_, shard) => shard);
  const found = await Promise.all(shards.map((shard) => actions.due({ shard, byMs: nowMs - overdueMs, limit: 1 })));
  return found.some((page) => page.length > 0);
}

async function openCase(deps: WaitingDeps, system: string, config: SystemConfig, sinceMs: number): Promise<void> {
  const since = new Date(sinceMs).toISOString();
  const opening: CaseOpening = {
    kind: 'exception',
    reason: 'waiting_too_long',
    title: `Writes to ${system} have waited since ${since}`,
    detail: `${system} cannot be asked, or takes fewer calls than are made. What waits is kept and is sent in turn; nothing has to be asked again. Look at its status page and at the metrics SystemCall and SystemRateLimited.`,
    owner: config.owner,
    dedupeKey: waitingKey(system),
    dueInMs: caseDueMs,
    actionId: null,
    runId: null,
    system,
    eventIdentity: null,
    facts: { since },
  };
  await notify(deps, await deps.cases.open(opening, deps.clock.now()), 'opened', null);
}

async function settle({ cases }: WaitingDeps, dedupeKey: string, atMs: number, reason: string): Promise<void> {
  await cases.settle(dedupeKey, { by: 'service:plumbline', atMs, reason, decision: 'over' });
}
