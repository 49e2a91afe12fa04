import type { ActionRecord } from '../../model/action.ts';
import { actionId, newId, parseActionId } from '../../model/ids.ts';
import { recordName } from '../entries.ts';
import { evidenceOf, exhibitJson } from '../evidence.ts';
import { operationEntry } from '../operations.ts';
import { anyRole, type OperatorApiDeps, type OperatorCall, type Route } from './deps.ts';
import { json, notFound, type Reply } from './http.ts';

/** Reads an action, and its evidence. */
export const actionRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/actions/{id}', roles: anyRole, handle: readAction },
  { method: 'GET', path: '/v1/actions/{id}/evidence', roles: ['auditor'], handle: readEvidence },
];

async function readAction(deps: OperatorApiDeps, { id, operator }: OperatorCall): Promise<Reply> {
  const parsed = parseActionId(id);
  const record = parsed ? await deps.actions.get(parsed.key) : null;
  if (!record || actionId(record.key, record.gen) !== id) return notFound('unknown_action', 'action');
  // Who decides must see what is asked for; who only watches does not see business values.
  const decides = operator.principal.roles.some((role) => role !== 'viewer');
  return json({ ...actionJson(record), ...(decides ? await inputOf(deps, record) : {}) });
}

function actionJson(record: ActionRecord) {
  return {
    action_id: actionId(record.key, record.gen),
    state: record.state,
    principal: record.principal,
    tool: record.tool,
    effect: record.effect,
    system: record.system,
    operation: record.operation,
    record: recordName(record.target),
    occasion: record.occasion,
    attempts: record.attempts,
    created_at: new Date(record.createdAtMs).toISOString(),
    updated_at: new Date(record.updatedAtMs).toISOString(),
    due_at: 'dueMs' in record ? new Date(record.dueMs).toISOString() : null,
    run_id: record.runId,
    workflow: record.workflow,
    period: record.period,
    event_id: record.eventId,
    failure: 'failure' in record ? record.failure : null,
    proof: record.state === 'SUCCEEDED' ? record.proof : null,
    approval: record.approval && {
      rule: record.approval.rule,
      by: record.approval.by,
      not_after: new Date(record.approval.notAfterMs).toISOString(),
      decision: record.approval.decision,
    },
    decision: record.decision,
  };
}

async function inputOf(deps: OperatorApiDeps, record: ActionRecord) {
  const load = async (stored: ActionRecord['before']) => {
    if (!stored) return null;
    if ('inline' in stored) return stored.inline;
    const bytes = await deps.payloads.get(stored.object);
    return bytes ? (JSON.parse(new TextDecoder().decode(bytes)) as unknown) : null;
  };
  return { input: await load(record.intent), before: await load(record.before) };
}

/** Evidence holds personal data: that somebody read it is itself on the ledger, before it is answered. */
async function readEvidence(deps: OperatorApiDeps, { id, person, request }: OperatorCall): Promise<Reply> {
  const from = /^[0-9]{1,6}$/.test(request.query.from ?? '') ? Number(request.query.from) : 0;
  const evidence = await evidenceOf(deps, id, from);
  if (!evidence) return notFound('unknown_action', 'action');
  const atMs = deps.clock.now();
  const entryId = `operation:${newId('call', atMs, deps.random)}`;
  await deps.ledger.append(operationEntry({ entryId, atMs, what: 'evidence_read', by: person, actionId: id }));
  return json({
    action_id: evidence.actionId,
    calls: evidence.calls.map(({ entry, context, modelOutput, answer }) => ({
      call_id: entry.entryId,
      at: new Date(entry.atMs).toISOString(),
      status: entry.status,
      code: entry.code,
      context: exhibitJson(context),
      model_output: exhibitJson(modelOutput),
      answer: exhibitJson(answer),
    })),
    intent: exhibitJson(evidence.intent),
    before: exhibitJson(evidence.before),
    after: exhibitJson(evidence.after),
    entries: evidence.entries,
    /** The next page is asked with `?from=`. */
    next: evidence.next,
  });
}
