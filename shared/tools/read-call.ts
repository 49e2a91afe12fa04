import { failureOf } from '../connectors/failure.ts';
import type { Answer } from '../model/answer.ts';
import type { Failure } from '../model/errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { PlannedCall } from '../model/operation.ts';
import { budgetsOf, takeBudgets } from '../policy/budgets.ts';
import { inScope, maskPersonal } from '../policy/scope.ts';
import { ownFailure, readAnswer, refusalAnswer } from './answer.ts';
import { readOnce } from './attempt.ts';
import { budgetEmpty } from './budget-empty.ts';
import { type Call, type CallDeps, systemOf } from './call-deps.ts';
import type { FoundRecord, LookupRules, ReadTool } from './define.ts';
import { baseOf, openCase } from './record-call.ts';
import { circuitCase, lastAnswer } from './while-open.ts';

/** A read that passed permission. */
export type ReadCall = { readonly call: Call; readonly tool: ReadTool; readonly input: JsonObject };

/** The answer of a read, and the one record it is about. */
export type ReadDone = {
  readonly answer: Answer;
  readonly record: Pick<FoundRecord, 'object' | 'id'> | null;
  readonly records: number;
  readonly planned: PlannedCall;
};

/**
 * Reads live, judges scope and lookup rules, takes the read budget by records, masks, and presents. Never a guess: what is not
 * exactly one record where one is asked for answers as the tool's lookup rules say.
 */
export async function callRead(deps: CallDeps, read: ReadCall): Promise<ReadDone> {
  const { call, tool, input } = read;
  const planned = tool.operation(input, { nowMs: call.receivedAtMs });
  const outcome = await readOnce(systemOf(deps, call), planned, call.deadlineMs);
  const none = { record: null, records: 0, planned };
  const last = outcome.kind === 'error' && outcome.error.code === 'circuit_open';
  const kept = last ? await lastAnswer(deps, read, planned.system) : null;
  if (kept) {
    const empty = await takeReads(deps, read, kept.records);
    return empty ? { answer: empty, ...none } : { ...kept, planned };
  }
  if (outcome.kind === 'error') {
    const failure = failureOf(outcome.error, planned.system);
    // A list of something that is not there is no empty list.
    if (outcome.error.class !== 'not_found' || tool.lookup.none === 'empty')
      return { answer: await unavailable(deps, read, planned, failure), ...none };
  }
  const data = outcome.kind === 'ok' ? outcome.data : { results: [] };
  const records = (outcome.kind === 'ok' ? tool.records(data) : []).filter((record) => inScope(call.agent, record));
  const problem = lookupProblem(tool, records);
  if (problem) return { answer: await lookupAnswer(deps, read, planned, problem), ...none };
  const empty = await takeReads(deps, read, records.length);
  if (empty) return { answer: empty, ...none };
  const personal = deps.config.systems[planned.system]?.personal ?? [];
  const masked = records.map((record) => ({
    ...record,
    fields: maskPersonal(record.fields, personal, call.agent) as JsonObject,
  }));
  const shown = tool.present ? tool.present(masked, data) : masked.map(({ id, fields }) => ({ id, ...fields }));
  const fetchedAtMs = outcome.kind === 'ok' ? outcome.fetchedAtMs : deps.kernel.clock.now();
  const answer = readAnswer(baseOf(call), maskPersonal(shown, [], call.agent), planned.system, fetchedAtMs);
  const record = records.length === 1 ? (records[0] ?? null) : null;
  return { answer, record, records: records.length, planned };
}

/** Takes the read budgets by records; the refusal where one has no room. */
async function takeReads(deps: CallDeps, { call, tool, input }: ReadCall, records: number): Promise<Answer | null> {
  const subject = { tool: tool.name, effect: 'read', input } as const;
  const budgets = budgetsOf(call.principal.id, call.agent, deps.config.policies, subject);
  const nowMs = deps.kernel.clock.now();
  const use = { amount: Math.max(1, records), useId: null };
  const taken = await takeBudgets({ store: deps.budgets, nowMs }, budgets, use);
  return taken.kind === 'empty' ? budgetEmpty(deps, call, tool.name, taken) : null;
}

type LookupProblem = { readonly rule: 'case' | 'fail'; readonly failure: Failure };

function lookupProblem(tool: ReadTool, records: readonly FoundRecord[]): LookupProblem | null {
  const { none, several, missingField }: LookupRules = tool.lookup;
  if (records.length === 0 && none !== 'empty') {
    return { rule: none, failure: ownFailure('no_match', 'Nothing matches within what this agent may see.') };
  }
  if (records.length > 1 && several !== 'list') {
    const detail = `${records.length} or more records match. None was picked.`;
    return { rule: several, failure: ownFailure('several_matches', detail) };
  }
  for (const field of tool.required ?? []) {
    const lacking = records.find(
      (record) => record.fields[field] === undefined || record.fields[field] === null || record.fields[field] === '',
    );
    if (lacking) {
      const detail = `The record ${lacking.object} ${lacking.id} has no ${field}, without which it is no answer.`;
      return { rule: missingField, failure: ownFailure('missing_required_field', detail) };
    }
  }
  return null;
}

async function lookupAnswer(
  deps: CallDeps,
  { call, tool }: ReadCall,
  planned: PlannedCall,
  problem: LookupProblem,
): Promise<Answer> {
  if (problem.rule === 'case') await lookupCase(deps, call, tool, planned, problem.failure);
  return refusalAnswer(baseOf(call), problem.failure, 'failed');
}

async function unavailable(
  deps: CallDeps,
  { call, tool }: ReadCall,
  planned: PlannedCall,
  failure: Failure,
): Promise<Answer> {
  await circuitCase(deps, call, planned.system, failure);
  if (tool.lookup.unavailable === 'case') await lookupCase(deps, call, tool, planned, failure);
  return refusalAnswer(baseOf(call), failure, 'failed');
}

async function lookupCase(deps: CallDeps, call: Call, tool: ReadTool, planned: PlannedCall, failure: Failure) {
  await openCase(deps, call, {
    reason: `lookup_${failure.code}`,
    title: `${tool.name} found no answer`,
    detail: failure.detail,
    owner: deps.config.systems[planned.system]?.owner ?? call.agent.owner,
    system: planned.system,
    facts: { tool: tool.name, agent: call.principal.id, call_id: call.callId, code: failure.code },
    dedupeKey: `lookup#${call.principalId}#${tool.name}#${failure.code}`,
  });
}
