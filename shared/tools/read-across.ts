import { failureOf } from '../connectors/failure.ts';
import type { Answer, AnswerSource } from '../model/answer.ts';
import type { Failure } from '../model/errors.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { budgetsOf, takeBudgets } from '../policy/budgets.ts';
import { inScope, maskPersonal } from '../policy/scope.ts';
import { acrossAnswer, refusalAnswer } from './answer.ts';
import { readOnce } from './attempt.ts';
import { budgetEmpty } from './budget-empty.ts';
import { type Call, type CallDeps, systemOf } from './call-deps.ts';
import type { AcrossTool, FoundRecord, SourceRead } from './define.ts';
import { baseOf } from './record-call.ts';

/** A read of several systems that passed permission. */
export type AcrossCall = { readonly call: Call; readonly tool: AcrossTool; readonly input: JsonObject };

/** What became of one source: its records as this agent may see them, or why there are none. */
type SourceOutcome =
  | {
      readonly kind: 'ok';
      readonly system: string;
      readonly records: readonly FoundRecord[];
      readonly shown: Json;
      readonly fetchedAtMs: number;
    }
  | { readonly kind: 'failed'; readonly system: string; readonly failure: Failure };

/**
 * Reads several systems at once and answers what each of them says, side by side: nothing is merged and none is picked. A source
 * that cannot be read is named as unavailable, never left out; where none can be read the call fails. Scope and masking are
 * those of each source's own system; the read budget is taken by records.
 */
export async function callAcross(deps: CallDeps, { call, tool, input }: AcrossCall): Promise<Answer> {
  const outcomes = await Promise.all(tool.sources.map((source) => readSource(deps, call, source, input)));
  const records = outcomes.flatMap((outcome) => (outcome.kind === 'ok' ? outcome.records : []));
  const nowMs = deps.kernel.clock.now();
  const subject = { tool: tool.name, effect: 'read', input } as const;
  const budgets = budgetsOf(call.principal.id, call.agent, deps.config.policies, subject);
  const use = { amount: Math.max(1, records.length), useId: null };
  const taken = await takeBudgets({ store: deps.budgets, nowMs }, budgets, use);
  if (taken.kind === 'empty') return budgetEmpty(deps, call, tool.name, taken);
  const first = outcomes.find((outcome) => outcome.kind === 'failed');
  if (first && outcomes.every(({ kind }) => kind === 'failed')) {
    return { ...refusalAnswer(baseOf(call), first.failure, 'failed'), sources: outcomes.map(sourceOf) };
  }
  const data = Object.fromEntries(
    outcomes.map((outcome) => [outcome.system, outcome.kind === 'ok' ? outcome.shown : null]),
  );
  return acrossAnswer(baseOf(call), data, outcomes.map(sourceOf));
}

async function readSource(deps: CallDeps, call: Call, source: SourceRead, input: JsonObject): Promise<SourceOutcome> {
  const planned = source.operation(input, { nowMs: call.receivedAtMs });
  const { system } = planned;
  const outcome = await readOnce(systemOf(deps, call), planned, call.deadlineMs);
  if (outcome.kind === 'error' && outcome.error.class !== 'not_found') {
    return { kind: 'failed', system, failure: failureOf(outcome.error, system) };
  }
  const found = outcome.kind === 'ok' ? source.records(outcome.data) : [];
  const personal = deps.config.systems[system]?.personal ?? [];
  const records = found
    .filter((record) => inScope(call.agent, record))
    .map((record) => ({ ...record, fields: maskPersonal(record.fields, personal, call.agent) as JsonObject }));
  const shown = source.present?.(records) ?? records.map(({ id, fields }) => ({ id, ...fields }));
  const fetchedAtMs = outcome.kind === 'ok' ? outcome.fetchedAtMs : deps.kernel.clock.now();
  return { kind: 'ok', system, records, shown: maskPersonal(shown, [], call.agent), fetchedAtMs };
}

function sourceOf(outcome: SourceOutcome): AnswerSource {
  if (outcome.kind === 'failed') return { system: outcome.system, live: false, code: outcome.failure.code };
  const fetched_at = new Date(outcome.fetchedAtMs).toISOString();
  return { system: outcome.system, live: true, fetched_at, found: outcome.records.length };
}
