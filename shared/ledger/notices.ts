import type { PlumblineConfig } from '../config/schema.ts';
import type { Case } from '../model/case.ts';
import type { Clock } from '../model/clock.ts';
import type { Log } from '../observe/log.ts';
import { operationEntry } from './operations.ts';
import type { CaseStore, LedgerStore } from './ports.ts';

/** What telling people of cases needs. */
export type NoticeDeps = {
  readonly ledger: LedgerStore;
  readonly config: Pick<PlumblineConfig, 'owners'>;
  readonly clock: Clock;
  readonly log: Log;
};

const service = 'service:plumbline';

/**
 * Tells a team of a case: a log line and a metric that alarms read, and one ledger entry per case and occasion, so that a run
 * can say who was notified. Telling twice is one entry.
 */
export async function notify(
  deps: NoticeDeps,
  about: Case,
  occasion: 'opened' | 'escalated',
  run: { readonly principal: string; readonly workflow: string | null; readonly period: string | null } | null,
): Promise<void> {
  const team = occasion === 'opened' ? about.owner : escalationTeam(deps.config, about);
  const places = deps.config.owners.teams[team]?.notify ?? [];
  const written = await deps.ledger.append(
    operationEntry({
      entryId: `notice:${about.caseId}:${occasion}`,
      atMs: deps.clock.now(),
      what: `case_${occasion}`,
      by: service,
      principal: run?.principal ?? principalOf(about),
      workflow: run?.workflow ?? null,
      period: run?.period ?? null,
      reason: about.reason,
      notified: [team, ...places].join(' '),
      runId: about.runId,
      system: about.system,
      actionId: about.actionId,
    }),
  );
  if (written === 'exists') return;
  const fields = { caseId: about.caseId, reason: about.reason, state: about.kind };
  deps.log.warn(`case ${occasion}`, { ...fields, ...(about.actionId === null ? {} : { actionId: about.actionId }) });
  deps.log.metric(occasion === 'opened' ? 'CaseOpened' : 'CaseEscalated', 1, 'Count', { owner: team });
}

/**
 * Escalates every open case whose due time has passed, once: its owner's escalation team is told. Returns how many.
 * The notice comes first: a crash between the two tells once more and never too little.
 */
export async function escalateOverdue(
  deps: NoticeDeps & { readonly cases: CaseStore },
  nowMs: number,
): Promise<number> {
  let cursor: string | null = null;
  let escalated = 0;
  do {
    // Ordered by due time, so the first case that is not overdue ends the search.
    const page: Awaited<ReturnType<CaseStore['list']>> = await deps.cases.list({ state: 'OPEN', cursor });
    for (const one of page.cases) {
      if (one.dueAtMs > nowMs) return escalated;
      if (one.escalatedAtMs !== null) continue;
      await notify(deps, one, 'escalated', null);
      if ((await deps.cases.escalate(one.caseId, nowMs)) === 'escalated') escalated += 1;
    }
    cursor = page.cursor;
  } while (cursor !== null);
  return escalated;
}

/** Who is told when a case is overdue: the owner's escalation team, else the owner again. */
export function escalationTeam(config: Pick<PlumblineConfig, 'owners'>, about: Pick<Case, 'owner'>): string {
  return config.owners.teams[about.owner]?.escalateTo ?? about.owner;
}

function principalOf(about: Case): string {
  const { principal } = about.facts;
  return typeof principal === 'string' ? principal : service;
}
