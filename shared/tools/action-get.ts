import type { Outcome } from '../action/types.ts';
import type { ActionRecord, Stored } from '../model/action.ts';
import type { Answer } from '../model/answer.ts';
import type { Failure } from '../model/errors.ts';
import { parseActionId } from '../model/ids.ts';
import type { Json } from '../model/json.ts';
import { maskPersonal } from '../policy/scope.ts';
import { outcomeAnswer, refusalAnswer } from './answer.ts';
import type { Call, CallDeps } from './call-deps.ts';
import type { ToolDescription } from './describe.ts';
import { baseOf } from './record-call.ts';

/** The built-in tool that reads an action; shown beside the configured ones. */
export const actionGet: ToolDescription = {
  name: 'action_get',
  description:
    'Reads how one of your actions stands: waiting for approval, queued, unknown, done or refused. Use when an answer named an action_id to poll. Do not use when you want to do something: it never sends, repeats or cancels anything. It only reads, and another agent sees nothing of your actions.',
  effect: 'read',
  input_schema: {
    type: 'object',
    additionalProperties: false,
    required: ['action_id'],
    properties: {
      action_id: {
        type: 'string',
        pattern: '^act_[0-9a-hjkmnp-tv-z]{40}_[1-9][0-9]{0,8}$',
        description: 'the action_id of an answer you got',
      },
    },
  },
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  examples: [{ action_id: `act_${'0'.repeat(40)}_1` }],
};

/** Reads one action of the caller's own. Another principal's action and one that never was are the same answer. */
export async function callActionGet(deps: CallDeps, call: Call, id: string): Promise<Answer> {
  const named = parseActionId(id);
  const record = named ? await deps.kernel.store.get(named.key) : null;
  if (!named || !record || record.principal !== call.principalId || named.gen > record.gen) return unknownAction(call);
  if (named.gen < record.gen) return supersededAnswer(deps, call, id, named.key);
  const outcome = await outcomeOf(deps, record);
  const present = presenterOf(deps, call, record);
  const rendering = { ...baseOf(call), nowMs: deps.kernel.clock.now(), present, still: null, again: false };
  return outcomeAnswer(outcome, rendering, await loadStored(deps, record.before));
}

function unknownAction(call: Call): Answer {
  const detail = 'There is no such action of this agent.';
  const failure: Failure = { code: 'unknown_action', category: 'not_found', retryable: false, detail };
  return refusalAnswer(baseOf(call), failure);
}

/** The agent's view of a result: by the tool's own presentation where the tool still exists, masked either way. */
export function presenterOf(deps: CallDeps, call: Call, record: Pick<ActionRecord, 'tool' | 'system'>) {
  const tool = deps.catalog.find(record.tool);
  const personal = deps.config.systems[record.system]?.personal ?? [];
  const mask = (value: Json): Json => maskPersonal(value, personal, call.agent);
  return (result: Json, before: Json | null): Json => {
    const [shown, was] = [mask(result), before === null ? null : mask(before)];
    const presented = tool?.kind === 'write' && tool.present ? tool.present(shown, was) : shown;
    return maskPersonal(presented, [], call.agent);
  };
}

/** A stored value, loaded where it is an object; null where there is none or its object was erased. */
export async function loadStored(deps: CallDeps, stored: Stored | null): Promise<Json | null> {
  if (!stored) return null;
  if ('inline' in stored) return stored.inline;
  const bytes = await deps.payloads.get(stored.object);
  return bytes ? (JSON.parse(new TextDecoder().decode(bytes)) as Json) : null;
}

async function outcomeOf(deps: CallDeps, record: ActionRecord): Promise<Outcome> {
  switch (record.state) {
    case 'SUCCEEDED':
      return { kind: 'applied', record, result: (await loadStored(deps, record.result)) ?? {} };
    case 'FAILED':
      return { kind: 'failed', record, failure: record.failure, replayed: true };
    case 'AWAITING_APPROVAL':
      return { kind: 'pending_approval', record };
    case 'RETRYABLE':
      return { kind: 'queued', record, dueMs: record.dueMs };
    case 'STARTED':
      return { kind: 'in_progress', record, retryAfterMs: 2000 };
    case 'UNKNOWN':
    case 'NEEDS_HUMAN':
      return { kind: 'unknown', record, failure: record.failure };
    case 'REJECTED':
    case 'EXPIRED':
      return { kind: 'refused', record, code: record.failure.code, detail: record.failure.detail };
    case 'CANCELLED':
      return { kind: 'refused', record, code: 'cancelled', detail: 'A person cancelled this action.' };
  }
}

/** An earlier generation is read from the ledger: the record holds the newest only. */
async function supersededAnswer(deps: CallDeps, call: Call, id: string, key: string): Promise<Answer> {
  let cursor: string | null = null;
  let succeeded = false;
  let seen = false;
  do {
    const page = await deps.ledger.byAction(key, cursor);
    for (const entry of page.entries) {
      if (entry.kind !== 'transition' || entry.actionId !== id) continue;
      seen = true;
      succeeded = entry.state === 'SUCCEEDED';
    }
    cursor = page.cursor;
  } while (cursor !== null);
  if (!seen) return unknownAction(call);
  const warnings = [{ code: 'superseded', message: 'The same was done again later; this is the earlier time.' }];
  const given = { ...baseOf(call), warnings: [...call.warnings, ...warnings] };
  if (succeeded) {
    const run = given.runId === null ? {} : { run_id: given.runId };
    return {
      status: 'applied',
      call_id: given.callId,
      ...run,
      action_id: id,
      effect: 'applied',
      warnings: given.warnings,
    };
  }
  const detail = 'It was not applied, and was asked for again later.';
  return {
    ...refusalAnswer(given, { code: 'cancelled', category: 'policy', retryable: false, detail }, 'failed'),
    action_id: id,
  };
}
