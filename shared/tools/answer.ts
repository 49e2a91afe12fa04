import type { Outcome } from '../action/types.ts';
import type { ActionRecord } from '../model/action.ts';
import type { Answer, AnswerError, AnswerSource, NextStep } from '../model/answer.ts';
import type { ErrorCode, Failure } from '../model/errors.ts';
import { actionId } from '../model/ids.ts';
import type { Json } from '../model/json.ts';
import { nextStepOf } from './next-step.ts';

/** What every answer of one call carries. */
export type AnswerBase = {
  readonly callId: string;
  readonly runId: string | null;
  /** What the caller should know beside the outcome, such as redacted input. */
  readonly warnings?: NonNullable<Answer['warnings']>;
};

/** What rendering an outcome needs beside it. */
export type Rendering = AnswerBase & {
  readonly nowMs: number;
  /** The agent's view of a result: presented by the tool, masked by policy. */
  readonly present: (result: Json, before: Json | null) => Json;
  /** Of a replay of an update: whether the effect stands in the live record that was just read, and that record. */
  readonly still: { readonly inEffect: boolean | 'unknown'; readonly live: Json | null } | null;
  /** Whether this tool takes `again`. */
  readonly again: boolean;
};

/** The agent-visible id of a record's current generation. */
function actionIdOf(record: Pick<ActionRecord, 'key' | 'gen'>): string {
  return actionId(record.key, record.gen);
}

function base({ callId, runId, warnings }: AnswerBase): Pick<Answer, 'call_id' | 'run_id' | 'warnings'> {
  const warned = warnings && warnings.length > 0 ? { warnings } : {};
  return { call_id: callId, ...(runId === null ? {} : { run_id: runId }), ...warned };
}

/** A refusal or failure that no action stands behind. */
export function refusalAnswer(
  given: AnswerBase,
  failure: Failure,
  status: 'refused' | 'failed' = 'refused',
  nextStep?: NextStep,
): Answer {
  return { status, ...base(given), effect: 'none', error: errorOf(failure, null, nextStep) };
}

/** A read's answer. */
export function readAnswer(given: AnswerBase, data: Json, source: string, fetchedAtMs: number): Answer {
  const fetched_at = new Date(fetchedAtMs).toISOString();
  return { status: 'ok', ...base(given), effect: 'none', data, source, fetched_at, live: true };
}

/** The answer of a read across systems: live as a whole only where every source was read. */
export function acrossAnswer(given: AnswerBase, data: Json, sources: readonly AnswerSource[]): Answer {
  const live = sources.every((source) => source.live);
  return { status: 'ok', ...base(given), effect: 'none', data, sources, live };
}

/** The answer of an outcome of the kernel. `before`: the before-image of the record's generation, where it is known. */
export function outcomeAnswer(outcome: Outcome, given: Rendering, before: Json | null): Answer {
  if (outcome.kind === 'applied' || outcome.kind === 'replayed') return doneAnswer(outcome, given, before);
  const { record } = outcome;
  const id = record ? { action_id: actionIdOf(record) } : {};
  const head = { ...base(given), ...id };
  switch (outcome.kind) {
    case 'failed':
      return { status: 'failed', ...head, effect: 'none', error: errorOf(outcome.failure, record) };
    case 'pending_approval':
      return {
        status: 'pending_approval',
        ...head,
        effect: 'none',
        ...expiry(outcome.record),
        ...pollOf(outcome.record, 60_000),
      };
    case 'queued': {
      const waitMs = Math.max(1000, outcome.dueMs - given.nowMs);
      const message = 'It is kept and will be sent when the system takes it. Do not send it again.';
      return { status: 'queued', ...head, effect: 'none', ...pollOf(outcome.record, waitMs), next_step: { message } };
    }
    case 'in_progress':
      return {
        status: 'in_progress',
        ...head,
        effect: 'unknown',
        retry_after_ms: outcome.retryAfterMs,
        ...pollOf(outcome.record, outcome.retryAfterMs),
      };
    case 'unknown':
      return { status: 'unknown', ...head, effect: 'unknown', error: unknownError(outcome.record, outcome.failure) };
    case 'refused': {
      const failure = ownFailure(outcome.code, outcome.detail);
      return { status: 'refused', ...head, effect: 'none', error: errorOf(failure, record) };
    }
  }
}

type Done = Extract<Outcome, { kind: 'applied' | 'replayed' }>;

function doneAnswer(outcome: Done, given: Rendering, before: Json | null): Answer {
  const { record } = outcome;
  const action_id = actionIdOf(record);
  const settledAtMs = record.state === 'SUCCEEDED' ? record.settledAtMs : given.nowMs;
  const answer: Answer = {
    status: outcome.kind,
    ...base(given),
    action_id,
    effect: 'applied',
    data: given.present(outcome.result, before),
    source: record.system,
    fetched_at: new Date(settledAtMs).toISOString(),
    live: outcome.kind === 'applied',
  };
  if (outcome.kind === 'applied') return answer;
  const message = 'This repeat was worded differently. What was done is what the first call asked for.';
  const differs = outcome.differs ? { warnings: [...(given.warnings ?? []), { code: 'differs', message }] } : {};
  if (!given.still || record.effect !== 'update') return { ...answer, ...differs };
  const { inEffect, live } = given.still;
  const gone = inEffect === false ? { ...liveData(answer, live), next_step: againStep(action_id, given.again) } : {};
  return { ...answer, ...differs, still_in_effect: inEffect, ...gone };
}

function liveData(answer: Answer, live: Json | null): Pick<Answer, 'data'> {
  const data =
    typeof answer.data === 'object' && answer.data !== null && !Array.isArray(answer.data) ? answer.data : {};
  return { data: { ...data, now: live } };
}

function againStep(action_id: string, allowed: boolean): NextStep {
  return allowed
    ? {
        message: `It was done, and the record was changed since. If it is meant once more, repeat the call with \`again\`: "${action_id}".`,
      }
    : {
        message:
          'It was done, and the record was changed since. Tell the user; a person decides whether to do it again.',
      };
}

function expiry(record: ActionRecord): Pick<Answer, 'expires_at'> {
  return record.approval ? { expires_at: new Date(record.approval.notAfterMs).toISOString() } : {};
}

function pollOf(record: ActionRecord, afterMs: number): Required<Pick<Answer, 'poll'>> {
  return { poll: { tool: 'action_get', arguments: { action_id: actionIdOf(record) }, after_ms: afterMs } };
}

function unknownError(record: ActionRecord, failure: Failure): AnswerError {
  const action_id = actionIdOf(record);
  return {
    code: 'outcome_unknown',
    category: 'upstream',
    retryable: false,
    detail: `${record.system} may have done it: ${failure.detail}`,
    ...vendorOf(failure),
    next_step: {
      tool: 'action_get',
      arguments: { action_id },
      message: `${record.system} may have done it. It is being checked. Do not send this again.`,
    },
  };
}

function vendorOf(failure: Failure): Pick<AnswerError, 'vendor'> {
  if (failure.vendorCode === undefined && failure.vendorText === undefined) return {};
  // What is wrong with a credential is told to its owner, never to an agent.
  if (failure.category === 'authentication') return {};
  return { vendor: { code: failure.vendorCode ?? '', quoted: (failure.vendorText ?? '').slice(0, 300) } };
}

/** A stored failure as an agent gets it; vendor text stays quoted under `vendor`. */
export function errorOf(failure: Failure, record: ActionRecord | null, nextStep?: NextStep): AnswerError {
  const { code, category, retryable, detail } = failure;
  return {
    code,
    category,
    retryable,
    detail,
    ...(failure.retryAfterMs === undefined ? {} : { retry_after_ms: failure.retryAfterMs }),
    ...(failure.errors === undefined ? {} : { errors: failure.errors }),
    ...vendorOf(failure),
    next_step: nextStep ?? nextStepOf(code, record ? actionIdOf(record) : null),
  };
}

/** The categories of our own codes; policy where none is named. */
const categories: Partial<Record<ErrorCode, Failure['category']>> = {
  invalid_input: 'validation',
  idempotency_key_reused: 'conflict',
  idempotency_key_not_accepted: 'validation',
  again_not_matching: 'validation',
  again_not_allowed: 'policy',
  run_too_old: 'validation',
  event_handle_invalid: 'validation',
  permission_denied: 'permission',
  out_of_scope: 'permission',
  approval_rejected: 'approval',
  approval_expired: 'approval',
  target_changed: 'conflict',
  unknown_tool: 'not_found',
  unknown_action: 'not_found',
  unknown_run: 'not_found',
  no_match: 'not_found',
  several_matches: 'conflict',
  missing_required_field: 'upstream',
  store_unavailable: 'internal',
  internal: 'internal',
};

/** A failure of our own finding, in our own words; its category follows from its code. */
export function ownFailure(code: ErrorCode, detail: string): Failure {
  return { code, category: categories[code] ?? 'policy', retryable: false, detail };
}

/** The HTTP status of an answer. */
export function httpStatusOf(answer: Answer): number {
  switch (answer.status) {
    case 'ok':
    case 'applied':
    case 'replayed':
      return 200;
    case 'pending_approval':
    case 'queued':
    case 'unknown':
      return 202;
    case 'in_progress':
      return 409;
    default:
      return answer.error ? errorStatus(answer.error) : 500;
  }
}

const byCode: Partial<Record<ErrorCode, number>> = {
  invalid_input: 422,
  idempotency_key_reused: 422,
  idempotency_key_not_accepted: 422,
  again_not_matching: 422,
  run_too_old: 422,
  event_handle_invalid: 422,
  unknown_tool: 404,
  unknown_action: 404,
  unknown_run: 404,
  no_match: 404,
  system_not_found: 404,
  several_matches: 409,
  budget_exceeded: 429,
  system_rate_limited: 429,
  too_many_requests: 429,
  switched_off: 503,
  store_unavailable: 503,
  unauthenticated: 401,
};

const byCategory: Readonly<Record<AnswerError['category'], number>> = {
  validation: 422,
  authentication: 502,
  permission: 403,
  policy: 403,
  approval: 403,
  conflict: 409,
  not_found: 404,
  rate_limit: 429,
  upstream: 502,
  circuit_open: 503,
  internal: 500,
};

function errorStatus(error: AnswerError): number {
  return byCode[error.code] ?? byCategory[error.category];
}
