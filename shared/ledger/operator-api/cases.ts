import type { Case } from '../../model/case.ts';
import { anyRole, type Route } from './deps.ts';
import { json, notFound, problem } from './http.ts';

/** A case as the door shows it. */
export function caseJson(one: Case) {
  const iso = (atMs: number | null) => (atMs === null ? null : new Date(atMs).toISOString());
  return {
    case_id: one.caseId,
    kind: one.kind,
    reason: one.reason,
    title: one.title,
    detail: one.detail,
    owner: one.owner,
    state: one.state,
    opened_at: iso(one.openedAtMs),
    due_at: iso(one.dueAtMs),
    escalated_at: iso(one.escalatedAtMs),
    action_id: one.actionId,
    run_id: one.runId,
    system: one.system,
    event_identity: one.eventIdentity,
    facts: one.facts,
    resolution: one.resolution && {
      by: one.resolution.by,
      at: iso(one.resolution.atMs),
      decision: one.resolution.decision,
      reason: one.resolution.reason,
    },
  };
}

/** Lists cases by state and owner, due ones first; reads one. */
export const caseRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/cases',
    roles: anyRole,
    handle: async (deps, { request: { query } }) => {
      const state = query.state ?? 'OPEN';
      if (state !== 'OPEN' && state !== 'RESOLVED') {
        const errors = [{ path: 'state', message: 'no such state', allowed: 'OPEN, RESOLVED' }];
        return problem(422, { code: 'invalid_input', detail: 'The query does not fit.', hint: 'Correct it.', errors });
      }
      const owner = query.owner;
      const cursor = query.cursor ?? null;
      const page = await deps.cases.list({ state, cursor, ...(owner === undefined ? {} : { owner }) });
      return json({ cases: page.cases.map(caseJson), cursor: page.cursor });
    },
  },
  {
    method: 'GET',
    path: '/v1/cases/{id}',
    roles: anyRole,
    handle: async (deps, { id }) => {
      const found = id.startsWith('case_') ? await deps.cases.get(id) : null;
      return found ? json(caseJson(found)) : notFound('unknown_case', 'case');
    },
  },
];
