import * as z from 'zod/mini';
import type { ActionRecord } from '../../model/action.ts';
import type { Case } from '../../model/case.ts';
import { actionId, parseActionId } from '../../model/ids.ts';
import { mayDecide } from '../../policy/approvals.ts';
import { escalationTeam } from '../notices.ts';
import { operationEntry } from '../operations.ts';
import { caseJson } from './cases.ts';
import type { DecisionResult, OperatorApiDeps, OperatorCall, Route } from './deps.ts';
import { conflict, forbidden, json, notFound, problem, type Reply, readBody } from './http.ts';

/** What a person may say to a case. `done` closes an exception that asks for nothing but attention. */
const resolutionSchema = z.strictObject({
  decision: z.enum(['approve', 'reject', 'succeeded', 'failed', 'retry', 'cancel', 'done']),
  reason: z.string().check(z.trim(), z.minLength(3), z.maxLength(500)),
  /** With `succeeded`: the id of the record that was found in the system. */
  record_id: z.optional(z.string().check(z.regex(/^[A-Za-z0-9_.:-]{1,100}$/))),
});

type Resolution = z.output<typeof resolutionSchema>;

/** Resolves a case by a named person with a reason. */
export const resolutionRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/cases/{id}/resolution', roles: ['operator', 'approver', 'admin'], handle: resolve },
];

async function resolve(deps: OperatorApiDeps, call: OperatorCall): Promise<Reply> {
  const read = readBody(call.request, resolutionSchema);
  if (read.kind === 'problem') return read.reply;
  const found = call.id.startsWith('case_') ? await deps.cases.get(call.id) : null;
  if (!found) return notFound('unknown_case', 'case');
  if (found.state !== 'OPEN') return conflict(`${found.resolution?.by ?? 'Somebody'} has resolved this case.`);
  const record = found.actionId === null ? null : await recordOf(deps, found.actionId);
  const refusal = permission(deps, call, found, record, read.body);
  if (refusal) return refusal;
  const decided = await act(deps, call, found, read.body);
  if (decided?.kind === 'refused') return conflict(decided.detail);
  return close(deps, call, found, read.body, record);
}

async function recordOf(deps: OperatorApiDeps, id: string): Promise<ActionRecord | null> {
  const parsed = parseActionId(id);
  const record = parsed ? await deps.actions.get(parsed.key) : null;
  return record && actionId(record.key, record.gen) === id ? record : null;
}

const approvalDecisions: readonly string[] = ['approve', 'reject', 'cancel'];
const actionDecisions: readonly string[] = ['succeeded', 'failed', 'retry', 'done'];

/** Why this person may not decide this, or null. */
function permission(
  deps: OperatorApiDeps,
  { operator }: OperatorCall,
  about: Case,
  record: ActionRecord | null,
  { decision }: Resolution,
): Reply | null {
  const allowed = about.kind === 'approval' ? approvalDecisions : about.actionId === null ? ['done'] : actionDecisions;
  if (!allowed.includes(decision)) {
    const errors = [{ path: 'decision', message: 'not for this case', allowed: allowed.join(', ') }];
    return problem(422, {
      code: 'invalid_input',
      detail: 'This case asks for something else.',
      hint: 'Choose again.',
      errors,
    });
  }
  if (about.kind === 'approval' && decision !== 'cancel') {
    if (!record?.approval) return conflict('The action of this case no longer waits for a decision.');
    const agentName = record.principal.startsWith('agent:') ? record.principal.slice('agent:'.length) : null;
    const agent = agentName === null ? null : (deps.config.agents[agentName] ?? null);
    // An agent that config no longer names has no responsible persons to compare with: nobody decides for it.
    if (agentName !== null && !agent) return forbidden('The agent that asked is no longer configured.');
    const { id, roles } = operator.principal;
    const question = { person: { id, roles, teams: operator.teams }, by: record.approval.by, agent };
    if (mayDecide({ ...question, requestedBy: record.principal })) return null;
    return forbidden(
      `This needs an approver of ${record.approval.by} who is not responsible for the agent that asked.`,
    );
  }
  return mayOperate(deps, about, operator.principal.roles, operator.teams)
    ? null
    : forbidden(`This needs an operator of ${about.owner}, of the team it escalates to, or an admin.`);
}

function mayOperate(deps: OperatorApiDeps, about: Case, roles: readonly string[], teams: readonly string[]): boolean {
  if (roles.includes('admin')) return true;
  if (!roles.includes('operator')) return false;
  return teams.includes(about.owner) || teams.includes(escalationTeam(deps.config, about));
}

/** What the decision does to the action itself; null where the case has none or asks only for attention. */
async function act(
  deps: OperatorApiDeps,
  { person }: OperatorCall,
  about: Case,
  { decision: verdict, reason, record_id }: Resolution,
): Promise<DecisionResult | null> {
  if (about.actionId === null || verdict === 'done') return null;
  const decision = { by: person, atMs: deps.clock.now(), reason };
  const input = { actionId: about.actionId, decision };
  if (verdict === 'approve' || verdict === 'reject') {
    return deps.actions.decide({ ...input, approve: verdict === 'approve' });
  }
  return verdict === 'cancel'
    ? deps.actions.cancel(input)
    : deps.actions.settle({ ...input, verdict, recordId: record_id ?? null });
}

/** The action's own record is decided by now: the case and the ledger follow it. */
async function close(
  deps: OperatorApiDeps,
  { person }: OperatorCall,
  about: Case,
  { decision, reason }: Resolution,
  record: ActionRecord | null,
): Promise<Reply> {
  const atMs = deps.clock.now();
  const resolution = { by: person, atMs, reason, decision };
  const closed = await deps.cases.resolve(about.caseId, resolution);
  // Without an action the case is what two people raced for; with one the stream may have settled the case already.
  if (closed === 'lost' && (about.actionId === null || decision === 'done')) {
    return conflict('Somebody else has resolved this case.');
  }
  await deps.ledger.append(
    operationEntry({
      entryId: `decision:${about.caseId}`,
      atMs,
      what: `case_${decision}`,
      by: person,
      reason,
      principal: record?.principal ?? person,
      runId: about.runId,
      workflow: record?.workflow ?? null,
      period: record?.period ?? null,
      system: about.system,
      tool: record?.tool ?? null,
      effect: record?.effect ?? null,
      actionId: about.actionId,
    }),
  );
  return json(caseJson({ ...about, state: 'RESOLVED', resolution }));
}
