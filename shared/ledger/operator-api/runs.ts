import { runText } from '../run-text.ts';
import { type RunView, runsOf, runView } from '../run-view.ts';
import { anyRole, type OperatorApiDeps, type Route } from './deps.ts';
import { json, notFound, problem, type Reply, text } from './http.ts';

/** A run as JSON: what ran, what succeeded, what failed, which records were affected, who was notified. */
export function runJson(view: RunView) {
  const iso = (atMs: number) => new Date(atMs).toISOString();
  const ids = (...standings: readonly string[]) =>
    view.lines.flatMap(({ standing, actionId }) => (actionId && standings.includes(standing) ? [actionId] : []));
  return {
    run_id: view.runId,
    principal: view.principal,
    workflow: view.workflow,
    period: view.period,
    from: iso(view.fromMs),
    to: iso(view.toMs),
    calls: view.calls,
    actions: view.actions,
    counts: view.counts,
    without_context: view.withoutContext,
    succeeded: ids('applied'),
    failed: ids('failed', 'refused'),
    open: ids('waiting', 'queued', 'running', 'unknown'),
    records: view.records,
    notified: view.notified,
    timeline: view.lines.map((line) => ({
      at: iso(line.atMs),
      effect: line.effect,
      tool: line.tool,
      system: line.system,
      record: line.record,
      standing: line.standing,
      code: line.code,
      action_id: line.actionId,
      calls: line.calls,
      context_hash: line.contextHash,
      decided_by: line.decidedBy,
    })),
    truncated: view.truncated,
  };
}

/** Reads a run by id, or the runs of a workflow and period; `Accept: text/plain` answers the timeline as text. */
export const runRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/v1/runs/{id}',
    roles: anyRole,
    handle: async (deps, { id, request }) => {
      const principals = request.query.principal ? [request.query.principal] : principalsOf(deps);
      const views = await Promise.all(principals.map((principal) => runView(deps.ledger, principal, id)));
      const found = views.filter((view) => view !== null);
      return found.length > 0 ? shown(found, request.headers.accept) : notFound('unknown_run', 'run');
    },
  },
  {
    method: 'GET',
    path: '/v1/runs',
    roles: anyRole,
    handle: async (deps, { request: { query, headers } }) => {
      const { workflow, period } = query;
      if (!workflow || !period) {
        const errors = ['workflow', 'period'].flatMap((path) => (query[path] ? [] : [{ path, message: 'missing' }]));
        return problem(422, { code: 'invalid_input', detail: 'The query does not fit.', hint: 'Name both.', errors });
      }
      return shown(await runsOf(deps.ledger, workflow, period), headers.accept);
    },
  },
];

function shown(views: readonly RunView[], accept: string | undefined): Reply {
  if (accept?.startsWith('text/plain')) return text(`${views.map(runText).join('\n\n')}\n`);
  return json({ runs: views.map(runJson) });
}

/** A run is (principal, run id): an operator who gives only the id asks for every principal's. */
function principalsOf(deps: OperatorApiDeps): readonly string[] {
  return [
    ...Object.keys(deps.config.agents).map((agent) => `agent:${agent}`),
    ...Object.keys(deps.config.owners.people).map((person) => `person:${person}`),
    'service:plumbline',
  ];
}
