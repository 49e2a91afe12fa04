import { execute } from '../action/execute.ts';
import { thawed } from '../action/frozen.ts';
import { refusedByPolicy } from '../action/refused.ts';
import type { Executed, KernelDeps, Outcome } from '../action/types.ts';
import { failureOf } from '../connectors/failure.ts';
import type { ActionRecord } from '../model/action.ts';
import type { Answer } from '../model/answer.ts';
import { isObject, type Json } from '../model/json.ts';
import { presenterOf } from './action-get.ts';
import { httpStatusOf, outcomeAnswer, type Rendering, refusalAnswer } from './answer.ts';
import { digestOfCall, makeAttempt, readBefore, type SystemDeps, stillInEffect } from './attempt.ts';
import { onBudgetEmpty } from './budget-empty.ts';
import { type Answered, type Call, type CallDeps, systemOf } from './call-deps.ts';
import type { WriteTool } from './define.ts';
import type { LiveRecord } from './live-record.ts';
import { baseOf, bytesOf, noFacts, recordAndAnswer } from './record-call.ts';
import { circuitCase, refusedWhileOpen } from './while-open.ts';
import { claimOf, type Judged, judgeWrite, type PreparedWrite, prepareWrite, type WriteCall } from './write-call.ts';

/**
 * Runs one write with valid input: identity, policy on the live record, then one claim by the kernel. Where policy says no,
 * the record of the same action is the answer if it would have blocked the claim; else the refusal is.
 */
export async function callWrite(deps: CallDeps, write: WriteCall): Promise<Answered> {
  const { call, tool } = write;
  const prepared = await prepareWrite(deps, write);
  if (prepared.kind === 'refused') {
    const facts = { ...noFacts, tool: tool.name, effect: tool.effect, ...write.kept };
    return recordAndAnswer(deps, call, refusalAnswer(baseOf(call), prepared.failure), facts);
  }
  const system = systemOf(deps, call);
  const { planned } = prepared.write;
  const judged = await refusedWhileOpen(deps, call, planned.system, await judgeWrite(deps, system, prepared.write));
  const kernel = kernelOf(deps, system, prepared.write, judged.live);
  if (judged.kind === 'claim') {
    const executed = await execute(kernel, claimOf(deps, system, prepared.write, judged));
    return finish(deps, system, prepared.write, judged.live, executed);
  }
  return refuse(deps, system, prepared.write, judged, kernel);
}

async function refuse(
  deps: CallDeps,
  system: SystemDeps,
  write: PreparedWrite,
  judged: Extract<Judged, { kind: 'refuse' }>,
  kernel: KernelDeps,
): Promise<Answered> {
  const { failure, nextStep, status, live } = judged;
  const { code, detail } = failure;
  const executed = await refusedByPolicy(kernel, write.identity, write.again, { code, detail });
  const { outcome } = executed;
  if (outcome.kind !== 'refused' || outcome.record !== null) return finish(deps, system, write, live, executed);
  await circuitCase(deps, write.call, write.planned.system, failure);
  if (judged.empty) await onBudgetEmpty(deps, write.call, write.tool.name, judged.empty);
  const step = nextStep === null ? undefined : { message: nextStep };
  return recordAndAnswer(deps, write.call, refusalAnswer(baseOf(write.call), failure, status, step), write.facts);
}

function kernelOf(deps: CallDeps, system: SystemDeps, write: PreparedWrite, live: LiveRecord | null): KernelDeps {
  return {
    ...deps.kernel,
    attempt: makeAttempt(system),
    digest: (call) => digestOfCall(system, call),
    failureOf,
    render: (outcome) => {
      const before = inlineBefore(outcome) ?? live?.before ?? null;
      return bytesOf(outcomeAnswer(outcome, renderingOf(deps, write.call, write.tool, recordOf(outcome)), before));
    },
  };
}

function recordOf(outcome: Outcome): ActionRecord | null {
  return outcome.record;
}

function inlineBefore(outcome: Outcome): Json | null {
  const before = outcome.record?.before ?? null;
  return before && 'inline' in before ? before.inline : null;
}

function renderingOf(deps: CallDeps, call: Call, tool: WriteTool, record: ActionRecord | null): Rendering {
  const present = record ? presenterOf(deps, call, tool, record.system) : (result: Json) => result;
  return { ...baseOf(call), nowMs: deps.kernel.clock.now(), present, still: null, again: tool.again };
}

/** Hands back the bytes that the record's transition already carries, or answers and records for a call that changed nothing. */
async function finish(
  deps: CallDeps,
  system: SystemDeps,
  write: PreparedWrite,
  live: LiveRecord | null,
  executed: Executed,
): Promise<Answered> {
  const { call, tool, facts } = write;
  if (executed.answeredBy === 'transition' && executed.answer) {
    if (!executed.answerStored) deps.log.error('an answer could not be kept', { callId: call.callId });
    const answer = JSON.parse(new TextDecoder().decode(executed.answer)) as Answer;
    return { answer, bytes: executed.answer, httpStatus: httpStatusOf(answer), contentType: 'application/json' };
  }
  const { outcome } = executed;
  const rendering = renderingOf(deps, call, tool, outcome.record);
  const still =
    outcome.kind === 'replayed' ? await stillOf(deps, { system, write, live }, outcome.record, rendering) : null;
  const stored = outcome.record?.before ?? null;
  const before = stored && (await thawed(deps.payloads, stored));
  return recordAndAnswer(deps, call, outcomeAnswer(outcome, { ...rendering, still }, before), facts);
}

type Replayed = { readonly system: SystemDeps; readonly write: PreparedWrite; readonly live: LiveRecord | null };

/**
 * Whether a replayed update still stands. What was read before the action settled says nothing, so a call that lost a race
 * reads once more; what cannot be read is `unknown`.
 */
async function stillOf(
  deps: CallDeps,
  { system, write, live }: Replayed,
  record: ActionRecord,
  rendering: Rendering,
): Promise<Rendering['still']> {
  if (record.effect !== 'update' || record.state !== 'SUCCEEDED') return null;
  const intent = await thawed(deps.payloads, record.intent);
  if (intent === null) return { inEffect: 'unknown', live: null };
  const done = { operation: record.operation, system: record.system, input: intent };
  const shown = (fields: Json): Json => rendering.present({ id: record.target[2], properties: fields }, null);
  if (live?.answer && live.readAtMs > record.settledAtMs) {
    return { inEffect: stillInEffect(system, done, live.answer), live: shown(live.fields) };
  }
  const read = await readBefore(system, done, write.call.deadlineMs);
  if (read?.kind !== 'ok') return { inEffect: 'unknown', live: null };
  const fields = isObject(read.data) && isObject(read.data.live) ? read.data.live : {};
  return { inEffect: stillInEffect(system, done, read.answer), live: shown(fields) };
}
