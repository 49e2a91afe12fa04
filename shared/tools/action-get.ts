import { thawed } from '../action/frozen.ts';
import { outcomeOf } from '../action/outcome.ts';
import type { Outcome } from '../action/types.ts';
import type { Answer } from '../model/answer.ts';
import { PlumblineError } from '../model/errors.ts';
import { parseActionId } from '../model/ids.ts';
import type { Json } from '../model/json.ts';
import { maskPersonal } from '../policy/scope.ts';
import { outcomeAnswer, ownFailure, refusalAnswer } from './answer.ts';
import type { Call, CallDeps } from './call-deps.ts';
import type { Tool } from './define.ts';
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
  const told = await outcomeOf(deps.kernel, record, record);
  // Nothing was asked for again: what was done is told as done.
  const outcome: Outcome = told.kind === 'replayed' ? { kind: 'applied', record, result: told.result ?? {} } : told;
  const present = presenterOf(deps, call, await deps.catalog.find(record.tool), record.system);
  const rendering = { ...baseOf(call), nowMs: deps.kernel.clock.now(), present, still: null, again: false };
  return outcomeAnswer(outcome, rendering, record.before && (await thawed(deps.payloads, record.before)));
}

function unknownAction(call: Call): Answer {
  return refusalAnswer(baseOf(call), ownFailure('unknown_action', 'There is no such action of this agent.'));
}

/** The agent's view of a result: by the tool's own presentation where the tool still exists, masked either way. */
export function presenterOf(deps: Pick<CallDeps, 'config'>, call: Call, tool: Tool | null, system: string) {
  const personal = deps.config.systems[system]?.personal ?? [];
  const mask = (value: Json): Json => maskPersonal(value, personal, call.agent);
  return (result: Json, before: Json | null): Json => {
    const [shown, was] = [mask(result), before === null ? null : mask(before)];
    const presented = tool?.kind === 'write' && tool.present ? tool.present(shown, was) : shown;
    return maskPersonal(presented, [], call.agent);
  };
}

function tooManyEntries(): PlumblineError {
  return new PlumblineError('An action has more entries than could be read in time.', {
    code: 'store_unavailable',
    retry: 'later',
    hint: 'Read its evidence at the operator door.',
  });
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
      // Nothing leads out of it, so the order of entries does not matter.
      succeeded ||= entry.state === 'SUCCEEDED';
    }
    cursor = page.cursor;
  } while (cursor !== null && !succeeded && deps.kernel.clock.now() < call.deadlineMs);
  if (cursor !== null && !succeeded) throw tooManyEntries();
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
    ...refusalAnswer(given, ownFailure('cancelled', detail), 'failed'),
    action_id: id,
  };
}
