import { type DueQueue, dueHint } from '../action/due-queue.ts';
import type { PlumblineConfig } from '../config/schema.ts';
import { caseChanges } from './action-cases.ts';
import { type NoticeDeps, notify } from './notices.ts';
import type { CaseStore } from './ports.ts';
import type { ActionChange } from './project.ts';

/** What routing a change needs. */
export type RouteDeps = NoticeDeps & {
  readonly cases: CaseStore;
  readonly due: DueQueue;
  readonly config: Pick<PlumblineConfig, 'systems' | 'owners'>;
};

/**
 * Turns one change of an action into cases and notices, and hints when it is due: opens what a person must decide, settles what
 * is decided. A hint that is lost costs time only: the tick finds what is due.
 * The action record alone is the truth; a case only points to it.
 * Throws `store_unavailable`; handling the change again is harmless.
 */
export async function routeChange(deps: RouteDeps, change: ActionChange): Promise<void> {
  const { old, next } = change;
  if (!next) return;
  const hint = dueHint(next, deps.clock.now());
  if (hint) await deps.due.send([hint]);
  const { open, settle } = caseChanges(deps.config, old, next);
  for (const { dedupeKey, decision } of settle) {
    const decided = next.decision ?? next.approval?.decision ?? null;
    await deps.cases.settle(dedupeKey, {
      by: decided?.by ?? 'service:plumbline',
      atMs: next.updatedAtMs,
      reason: decided?.reason ?? 'The action itself moved on.',
      decision,
    });
  }
  if (next.state === 'UNKNOWN' || next.state === 'NEEDS_HUMAN') {
    deps.log.metric(next.state === 'UNKNOWN' ? 'ActionUnknown' : 'ActionNeedsHuman', 1, 'Count', {
      system: next.system,
    });
  }
  if (!open) return;
  const opened = await deps.cases.open(open, next.updatedAtMs);
  const { principal, workflow, period } = next;
  await notify(deps, opened, 'opened', { principal, workflow, period });
}
