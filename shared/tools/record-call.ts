import type { Answer } from '../model/answer.ts';
import type { CaseOpening } from '../model/case.ts';
import { sha256Hex } from '../model/ids.ts';
import type { Json } from '../model/json.ts';
import type { LedgerEntry } from '../model/ledger-entry.ts';
import type { Effect } from '../model/operation.ts';
import { type AnswerBase, httpStatusOf } from './answer.ts';
import type { Answered, Call, CallDeps } from './call-deps.ts';

/** Facts of a call that its answer does not show. */
export type CallFacts = {
  readonly tool: string | null;
  readonly effect: Effect | null;
  readonly system: string | null;
  readonly record: string | null;
  readonly inputHash: string | null;
  readonly contextHash: string | null;
  readonly modelOutputHash: string | null;
};

export const noFacts: CallFacts = {
  tool: null,
  effect: null,
  system: null,
  record: null,
  inputHash: null,
  contextHash: null,
  modelOutputHash: null,
};

/** The exact bytes of an answer. */
export function bytesOf(answer: Answer): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(answer));
}

/**
 * Keeps the exact answer and writes the call's one ledger entry, then hands the answer back: nothing is answered that is not
 * on the ledger. `problem`: the bytes of an RFC 9457 problem that are answered instead of the envelope. Throws `store_unavailable` where the ledger does not take it.
 */
export async function recordAndAnswer(
  deps: CallDeps,
  call: Call,
  answer: Answer,
  facts: CallFacts,
  problem?: string,
): Promise<Answered> {
  const bytes = problem === undefined ? bytesOf(answer) : new TextEncoder().encode(problem);
  await keepAnswer(deps, call, bytes);
  const entry: LedgerEntry = {
    kind: 'call',
    entryId: call.callId,
    status: answer.status,
    code: answer.error?.code ?? null,
    ...facts,
    answerHash: sha256Hex(bytes),
    durationMs: deps.kernel.clock.now() - call.receivedAtMs,
    atMs: deps.kernel.clock.now(),
    principal: call.principalId,
    runId: call.context.runId,
    workflow: call.context.workflow,
    period: call.context.period,
    actionId: answer.action_id ?? null,
    traceId: call.context.traceId,
  };
  await deps.ledger.append(entry);
  const contentType = problem === undefined ? 'application/json' : 'application/problem+json';
  return { answer, bytes, httpStatus: httpStatusOf(answer), contentType };
}

/** Keeps an answer's bytes under their hash. A failure is logged: what was done stays done, and its hash is known. */
async function keepAnswer(deps: CallDeps, call: Call, bytes: Uint8Array): Promise<void> {
  try {
    await deps.payloads.put(bytes);
  } catch (error) {
    deps.log.error('an answer could not be kept', { callId: call.callId }, error);
  }
}

/** Stores what the caller said of its call, before anything is claimed. Null hashes mark a call without it. */
export async function keepContext(
  deps: CallDeps,
  call: Call,
  args: Json,
): Promise<Pick<CallFacts, 'contextHash' | 'modelOutputHash'>> {
  const { context } = call;
  const reason = context.reason ?? reasonOf(args);
  const modelOutputHash = context.modelOutput === null ? null : await deps.payloads.put(encode(context.modelOutput));
  if (context.prompt === null && modelOutputHash === null && reason === null) {
    return { contextHash: null, modelOutputHash: null };
  }
  const kept = {
    asserted_by: call.principalId,
    prompt: context.prompt,
    reason,
    arguments: args,
    model_output_sha256: modelOutputHash,
    traceparent: context.traceparent,
    redacted: context.redacted,
  };
  return { contextHash: await deps.payloads.put(encode(kept as Json)), modelOutputHash };
}

function reasonOf(args: Json): string | null {
  const reason = typeof args === 'object' && args !== null && 'reason' in args ? args.reason : null;
  return typeof reason === 'string' ? reason : null;
}

function encode(value: Json): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** What every answer of a call begins with. */
export function baseOf(call: Call): AnswerBase {
  return { callId: call.callId, runId: call.context.runId, warnings: call.warnings };
}

/** What opening a case of a call needs to say. */
export type CallCase = Pick<CaseOpening, 'reason' | 'title' | 'detail' | 'owner' | 'facts' | 'dedupeKey'> & {
  readonly system: string | null;
};

/** Opens an exception case about a call; the same reason for the same thing stays one case while it is open. */
export async function openCase(deps: CallDeps, call: Call, opening: CallCase): Promise<void> {
  const opened: CaseOpening = {
    kind: 'exception',
    actionId: null,
    runId: call.context.runId,
    eventIdentity: null,
    dueInMs: 4 * 3_600_000,
    ...opening,
  };
  await deps.cases.open(opened, deps.kernel.clock.now());
}
