import type * as z from 'zod/mini';
import { canonicalJson } from '../action/canonical.ts';
import { verifyEventHandle } from '../action/event-handle.ts';
import { deriveIdentity } from '../action/keys.ts';
import type { ClaimRequest, Identity } from '../action/types.ts';
import { failureOf } from '../connectors/failure.ts';
import { recordName } from '../ledger/entries.ts';
import type { ErrorCode, Failure } from '../model/errors.ts';
import { parseActionId } from '../model/ids.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { PlannedCall, RecordRef } from '../model/operation.ts';
import type { ApprovalVerdict } from '../policy/approvals.ts';
import { type BudgetVerdict, budgetsOf, takeBudgets } from '../policy/budgets.ts';
import { decideWrite } from '../policy/decide.ts';
import { ownFailure } from './answer.ts';
import { digestOfCall, type SystemDeps, writeOperationOf } from './attempt.ts';
import { budgetFailure, budgetStep } from './budget-empty.ts';
import type { Call, CallDeps } from './call-deps.ts';
import { retentionMs } from './context.ts';
import type { WriteTool } from './define.ts';
import { type LiveRecord, readLive } from './live-record.ts';
import { withAsked } from './recheck.ts';
import type { CallFacts } from './record-call.ts';

/** A write with valid input. `given`: the names the caller gave; defaults of a schema never make an identity, spelled out or not. */
export type WriteCall = {
  readonly call: Call;
  readonly tool: WriteTool;
  readonly input: JsonObject;
  readonly given: readonly string[];
  readonly kept: Pick<CallFacts, 'contextHash' | 'modelOutputHash'>;
};

/** A write whose identity is known: what policy judges and the kernel claims. */
export type PreparedWrite = WriteCall & {
  readonly planned: PlannedCall;
  readonly target: RecordRef;
  readonly identity: Identity;
  readonly again: number | null;
  readonly eventId: string | null;
  readonly facts: CallFacts;
};

/** A prepared write, or the failure that ends it before anything was looked up. */
export type Prepared =
  | { readonly kind: 'ok'; readonly write: PreparedWrite }
  | { readonly kind: 'refused'; readonly failure: Failure };

/** Plans the call and derives its identity. */
export async function prepareWrite(deps: CallDeps, write: WriteCall): Promise<Prepared> {
  const { call, tool, input } = write;
  const { context, receivedAtMs } = call;
  const given = write.given.filter((name) => !saysDefault(tool, name, input[name] ?? null));
  const target = tool.target(input);
  const pick = (names: readonly string[]): JsonObject =>
    Object.fromEntries(names.filter((name) => given.includes(name)).map((name) => [name, input[name] ?? null]));
  const event = await eventOf(deps, call);
  if (event === 'refused') return refused('event_handle_invalid', 'This event handle was not given to this agent.');
  const derived = deriveIdentity(
    {
      principal: call.principalId,
      actionType: tool.name,
      occasion: call.natural === undefined ? tool.occasion : 'ever',
      windowMs: tool.windowMs,
      target,
      identifying: pick(tool.identifiedBy),
      input: pick(given),
      runId: context.runId,
      event: event === null ? null : { id: event, part: pick(tool.part ?? []) },
      idempotencyKey: context.idempotencyKey,
      ...(call.natural === undefined ? {} : { natural: call.natural }),
    },
    { nowMs: receivedAtMs, retentionMs },
  );
  if (derived.kind === 'refused') return refused(derived.code, derived.detail);
  const { identity } = derived;
  const again = againOf(call, tool, identity);
  if (typeof again === 'object' && again !== null) return again;
  const planned = withAsked(tool.operation(input, { nowMs: receivedAtMs }), input);
  const facts: CallFacts = {
    tool: tool.name,
    effect: tool.effect,
    system: planned.system,
    record: recordName(target),
    inputHash: identity.inputHash,
    ...write.kept,
  };
  return { kind: 'ok', write: { ...write, planned, target, identity, again, eventId: event, facts } };
}

/**
 * Whether an input says what the tool takes without it. It then names no other intent: a model spells a default out in one call
 * and leaves it out in the next.
 */
function saysDefault({ input }: WriteTool, name: string, value: Json): boolean {
  const def = Object.hasOwn(input.shape, name) ? input.shape[name]?._zod.def : undefined;
  if (def?.type !== 'default') return false;
  return canonicalJson((def as z.core.$ZodDefaultDef).defaultValue as Json) === canonicalJson(value);
}

function refused(code: ErrorCode, detail: string): { readonly kind: 'refused'; readonly failure: Failure } {
  return { kind: 'refused', failure: ownFailure(code, detail) };
}

/** The event a verified handle names, null without one. */
async function eventOf(deps: CallDeps, call: Call): Promise<string | null | 'refused'> {
  const { eventHandle } = call.context;
  if (eventHandle === null) return null;
  const at = { principal: call.principalId, nowMs: call.receivedAtMs, retentionMs };
  const verdict = verifyEventHandle((await deps.eventKeys?.()) ?? [], eventHandle, at);
  return verdict.kind === 'event' ? verdict.eventId : 'refused';
}

function againOf(call: Call, tool: WriteTool, identity: Identity) {
  const { again } = call.context;
  if (again === null) return null;
  const named = parseActionId(again);
  if (!named || named.key !== identity.key) {
    return refused('again_not_matching', '`again` does not name an earlier action with these inputs.');
  }
  if (tool.occasion !== 'run' && tool.occasion !== 'window') {
    return refused('again_not_allowed', `Actions of ${tool.name} are never repeated on purpose.`);
  }
  return named.gen;
}

/** What policy said of a prepared write, with what it looked at. */
export type Judged =
  | { readonly kind: 'claim'; readonly live: LiveRecord; readonly permission: ClaimRequest['permission'] }
  | {
      readonly kind: 'refuse';
      readonly live: LiveRecord | null;
      readonly failure: Failure;
      readonly nextStep: string | null;
      readonly status: 'refused' | 'failed';
      /** The budget that had no room: it pauses the agent only where the refusal is the answer. */
      readonly empty?: Extract<BudgetVerdict, { kind: 'empty' }>;
    };

/**
 * Judges switches, permission, scope, rollout, gates, approval and budgets, on the live record where there is one.
 * What cannot be judged is refused.
 */
export async function judgeWrite(deps: CallDeps, system: SystemDeps, write: PreparedWrite): Promise<Judged> {
  const { call, tool, input, planned, target } = write;
  const { policies } = deps.config;
  const question = { system: planned.system, tool: tool.name, agent: call.principal.id, runId: call.context.runId };
  const switches = await deps.control.check(question);
  if (switches.kind === 'off') {
    const detail = `Switched off: ${switches.what}. ${switches.reason}`;
    return refusal(null, ownFailure('switched_off', detail), null);
  }
  const { agent, deadlineMs } = call;
  const nowMs = deps.kernel.clock.now();
  const read = await readLive(system, { tool, input, planned, agent, policies, target, deadlineMs, nowMs });
  if (read.kind === 'error') {
    return { ...refusal(null, failureOf(read.error, planned.system), null), status: 'failed' };
  }
  const { live } = read;
  const verdict = decideWrite({
    agent,
    policies,
    tool,
    input,
    object: target[1],
    fields: live.fields,
    exists: live.exists,
  });
  if (verdict.kind === 'refuse') {
    const { code, detail, nextStep } = verdict;
    return refusal(live, ownFailure(code, detail), nextStep);
  }
  const subject = { tool: tool.name, effect: tool.effect, input };
  const budgets = budgetsOf(call.principal.id, agent, policies, subject);
  const use = { amount: 1, useId: useIdOf(write, nowMs) };
  const taken = await takeBudgets({ store: deps.budgets, nowMs }, budgets, use);
  if (taken.kind === 'empty' && taken.budget.onEmpty !== 'approval') {
    return { ...refusal(live, budgetFailure(taken, nowMs), budgetStep(call).message), empty: taken };
  }
  return { kind: 'claim', live, permission: permissionOf(verdict.approval, taken, { owner: agent.owner, nowMs }) };
}

/** Repeats of one generation are one use. A window that is over begins another generation, and so another use. */
function useIdOf({ identity, again }: PreparedWrite, nowMs: number): string {
  const window = identity.windowMs === null ? 0 : Math.floor(nowMs / identity.windowMs);
  return `${identity.key}:${again ?? 0}:${window}`;
}

/** An approval rule comes before an empty budget: it names who decides. */
function permissionOf(
  approval: ApprovalVerdict,
  taken: BudgetVerdict,
  { owner, nowMs }: { readonly owner: string; readonly nowMs: number },
): ClaimRequest['permission'] {
  if (approval.kind === 'needed') {
    return { kind: 'approval', rule: approval.rule, by: approval.by, notAfterMs: nowMs + approval.withinMs };
  }
  if (taken.kind === 'empty') {
    return { kind: 'approval', rule: taken.budget.name, by: owner, notAfterMs: taken.windowEndsMs + 86_400_000 };
  }
  return { kind: 'allow' };
}

function refusal(
  live: LiveRecord | null,
  failure: Failure,
  nextStep: string | null,
): Extract<Judged, { kind: 'refuse' }> {
  return { kind: 'refuse', live, failure, nextStep, status: 'refused' };
}

/** What the kernel claims for a prepared write. */
export function claimOf(
  deps: CallDeps,
  system: SystemDeps,
  write: PreparedWrite,
  judged: { readonly live: LiveRecord | null; readonly permission: ClaimRequest['permission'] },
): ClaimRequest {
  const { call, tool, planned, target, identity, again, eventId, kept } = write;
  const { operation } = writeOperationOf(system, planned);
  const settleMs = deps.config.systems[planned.system]?.settle ?? 0;
  const { resend } = operation;
  return {
    identity,
    again,
    againAllowed: tool.again,
    principal: call.principalId,
    tool: tool.name,
    effect: tool.effect,
    // The operator's settle time can only raise what the connector declares.
    resend: resend.kind === 'none' ? resend : { ...resend, settleMs: Math.max(resend.settleMs, settleMs) },
    call: planned,
    requestDigest: digestOfCall(system, planned),
    before: judged.live?.before ?? null,
    target,
    context: {
      callId: call.callId,
      runId: call.context.runId,
      workflow: call.context.workflow,
      period: call.context.period,
      eventId,
      contextHash: kept.contextHash,
    },
    permission: judged.permission,
    deadlineMs: call.deadlineMs,
  };
}
