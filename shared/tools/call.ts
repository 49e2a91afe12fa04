import * as z from 'zod/mini';
import { hashJson } from '../action/canonical.ts';
import { recordName } from '../ledger/entries.ts';
import type { Failure, InputError } from '../model/errors.ts';
import { newId } from '../model/ids.ts';
import { isObject, type Json, type JsonObject } from '../model/json.ts';
import { principalId } from '../model/principal.ts';
import { permissionFor } from '../policy/permission.ts';
import { callActionGet } from './action-get.ts';
import { ownFailure, refusalAnswer } from './answer.ts';
import {
  type Answered,
  answerReserveMs,
  answerWithinMs,
  type Call,
  type CallDeps,
  type CallInput,
} from './call-deps.ts';
import { type CallContext, issuesOf, readContext } from './context.ts';
import type { Tool } from './define.ts';
import { maxInputErrors } from './exact-json.ts';
import { problemAnswer } from './http-request.ts';
import { callAcross } from './read-across.ts';
import { callRead } from './read-call.ts';
import { baseOf, type CallFacts, keepContext, noFacts, openCase, recordAndAnswer } from './record-call.ts';
import { callWrite } from './run-write.ts';
import { keepLastAnswer } from './while-open.ts';

const emptyContext: CallContext = {
  runId: null,
  workflow: null,
  period: null,
  traceparent: null,
  traceId: null,
  reason: null,
  again: null,
  idempotencyKey: null,
  eventHandle: null,
  prompt: null,
  modelOutput: null,
  redacted: [],
};

/** A call before anything of its body is believed: the ids under which it is recorded. */
export function beginCall(deps: CallDeps, given: Pick<CallInput, 'principal' | 'receivedAtMs'>): Call | null {
  const { principal, receivedAtMs } = given;
  const agent = Object.hasOwn(deps.config.agents, principal.id) ? deps.config.agents[principal.id] : undefined;
  if (!agent) return null;
  return {
    callId: newId('call', receivedAtMs, deps.kernel.random),
    receivedAtMs,
    principal,
    principalId: principalId(principal),
    agent,
    context: emptyContext,
    warnings: [],
    deadlineMs: receivedAtMs + answerWithinMs - answerReserveMs,
  };
}

/**
 * One tool call from its JSON body to its answer: context, redaction, tool, permission, input, evidence, then read or write.
 * Every answer is on the ledger before it is returned. Throws `store_unavailable` where that cannot be promised: then nothing
 * is known to be done, and the same call may be repeated.
 */
export async function callTool(deps: CallDeps, begun: Call, given: CallInput): Promise<Answered> {
  const read = readContext(given.body, given.headers, given.receivedAtMs);
  const redacted = read.kind === 'ok' ? read.context.redacted : read.redacted;
  const context = read.kind === 'ok' ? read.context : emptyContext;
  const call: Call = { ...begun, context, warnings: redactionWarning(redacted) };
  if (redacted.length > 0) await openRedactionCase(deps, call, redacted);
  // The name is the caller's text: what names no tool does not belong on the ledger.
  const tool = await deps.catalog.find(given.tool);
  const facts: CallFacts = { ...noFacts, tool: tool || given.tool === 'action_get' ? given.tool : null };
  if (read.kind === 'invalid') {
    return invalid(deps, call, facts, [...read.errors, ...argumentErrors(call, tool, given.body)]);
  }
  if (given.tool === 'action_get') return actionGetCall(deps, call, read.arguments);
  if (!tool) return unknownTool(deps, call);
  const toolFacts: CallFacts = { ...facts, effect: tool.effect };
  const permission = permissionFor(call.agent, tool);
  if (permission.kind === 'refuse') {
    const { code, detail, nextStep } = permission;
    const refusal = refusalAnswer(baseOf(call), ownFailure(code, detail), 'refused', { message: nextStep });
    return recordAndAnswer(deps, call, refusal, toolFacts);
  }
  const parsed = z.safeParse(tool.input, read.arguments);
  if (!parsed.success) {
    return invalid(deps, call, toolFacts, issuesOf(parsed.error, [], Object.keys(tool.input.shape)));
  }
  return runTool(deps, call, tool, { input: parsed.data as JsonObject, args: read.arguments });
}

/** What is wrong with the arguments too, where the body around them is wrong: all mistakes are told at once. */
function argumentErrors({ agent }: Call, tool: Tool | null, body: Json): readonly InputError[] {
  if (!tool || permissionFor(agent, tool).kind === 'refuse') return [];
  if (!isObject(body) || !isObject(body.arguments)) return [];
  const { again: _again, ...args } = body.arguments;
  const parsed = z.safeParse(tool.input, args);
  return parsed.success ? [] : issuesOf(parsed.error, [], Object.keys(tool.input.shape));
}

type Inputs = { readonly input: JsonObject; readonly args: JsonObject };

async function runTool(deps: CallDeps, call: Call, tool: Tool, { input, args }: Inputs): Promise<Answered> {
  const kept = await keepContext(deps, call, args);
  if (tool.kind === 'write') return callWrite(deps, { call, tool, input, given: Object.keys(args), kept });
  const facts = { tool: tool.name, effect: 'read', inputHash: hashJson(input), ...kept } as const;
  if (tool.kind === 'across') {
    const answer = await callAcross(deps, { call, tool, input });
    return recordAndAnswer(deps, call, answer, { ...facts, system: null, record: null });
  }
  const read = { call, tool, input };
  const { answer, record, records, planned } = await callRead(deps, read);
  const { system } = planned;
  const answered = await recordAndAnswer(deps, call, answer, {
    ...facts,
    system,
    record: record ? recordName([system, record.object, record.id]) : null,
  });
  const about = record && { object: record.object, id: record.id };
  await keepLastAnswer(deps, read, { system, answered, records, record: about });
  return answered;
}

async function invalid(deps: CallDeps, call: Call, facts: CallFacts, errors: readonly InputError[]): Promise<Answered> {
  const old = errors.some(({ message }) => message === 'run_too_old');
  const code = old ? 'run_too_old' : 'invalid_input';
  const detail = old
    ? 'This run is older than the records that would show what it did.'
    : `${errors.length} ${errors.length === 1 ? 'input is' : 'inputs are'} not valid.`;
  const shown = errors.slice(0, maxInputErrors);
  const failure: Failure = { ...ownFailure(code, detail), errors: shown };
  return recordAndAnswer(deps, call, refusalAnswer(baseOf(call), failure), facts);
}

async function unknownTool(deps: CallDeps, call: Call): Promise<Answered> {
  const detail = 'There is no tool of this name.';
  const failure = ownFailure('unknown_tool', detail);
  const { body } = problemAnswer({
    status: 404,
    code: 'unknown_tool',
    category: 'not_found',
    detail,
    instance: call.callId,
  });
  return recordAndAnswer(deps, call, refusalAnswer(baseOf(call), failure), noFacts, body);
}

/** Reads one action as the built-in tool does. Its entry belongs to no run: it does nothing in one. */
export async function actionGetCall(deps: CallDeps, call: Call, args: JsonObject): Promise<Answered> {
  const facts: CallFacts = { ...noFacts, tool: 'action_get', effect: 'read' };
  const { action_id, ...others } = args;
  const errors: InputError[] = Object.keys(others).map((path) => ({
    path,
    message: 'is not known',
    allowed: 'action_id',
  }));
  if (typeof action_id !== 'string') errors.push({ path: 'action_id', message: 'is missing', allowed: 'an action_id' });
  if (typeof action_id !== 'string' || errors.length > 0) return invalid(deps, call, facts, errors);
  const answer = await callActionGet(deps, call, action_id);
  const outside: Call = { ...call, context: { ...call.context, runId: null, workflow: null, period: null } };
  const answered = await recordAndAnswer(deps, outside, answer, facts);
  return answer.error?.code === 'unknown_action' ? answered : { ...answered, httpStatus: 200 };
}

function redactionWarning(kinds: readonly string[]): Call['warnings'] {
  if (kinds.length === 0) return [];
  const message = `What looked like a credential (${kinds.join(', ')}) was removed before anything used it. Never pass credentials.`;
  return [{ code: 'secret_redacted', message }];
}

async function openRedactionCase(deps: CallDeps, call: Call, kinds: readonly string[]): Promise<void> {
  await openCase(deps, call, {
    reason: 'secret_in_input',
    title: `${call.principal.id} passed what looks like a credential`,
    detail: 'It was removed before it was stored or sent. Find where it came from and replace the credential.',
    owner: call.agent.owner,
    system: null,
    facts: { agent: call.principal.id, call_id: call.callId, kinds: [...kinds] },
    dedupeKey: `secret#${call.principalId}#${kinds.join(',')}`,
  });
}
