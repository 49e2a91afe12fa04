import type { NextStep } from '../model/answer.ts';
import type { ErrorCode } from '../model/errors.ts';

const person = 'Tell the user; a person has to decide.';

const messages: Partial<Record<ErrorCode, string>> = {
  malformed_json: 'Send one JSON object such as {"arguments": {}}; the position says where yours breaks off.',
  body_too_large: 'Shorten the body: long texts belong into the business system, not into a call.',
  unsupported_media_type: 'Send Content-Type: application/json.',
  unauthenticated: 'Send a live API key as Authorization: Bearer. A person with the role admin issues keys.',
  forbidden: 'Tell the user; this needs another kind of credential.',
  unknown_route: 'Use a path of GET /openapi.json.',
  method_not_allowed: 'Use a method of GET /openapi.json for this path.',
  too_many_requests: 'Wait for `retry_after_ms`, then call again.',
  invalid_input: 'Correct the inputs named in `errors` and call again.',
  idempotency_key_reused: 'Use a new Idempotency-Key for a new intent.',
  idempotency_key_not_accepted:
    'Call again without the Idempotency-Key header: repeats are recognised by their inputs.',
  again_not_matching: 'Give `again` the action_id of the call you want to repeat, with the same inputs.',
  again_not_allowed: 'This tool does not repeat a done action on purpose. Tell the user that it was done.',
  run_too_old: 'Use the id of a current run, or none.',
  permission_denied: 'Use a tool of GET /v1/tools, or tell the user that it is not allowed.',
  out_of_scope: 'Tell the user that this record is outside your scope.',
  gate_refused: 'Read the record and tell the user why it cannot be done now.',
  budget_exceeded: 'Stop. Tell the user what is left; a person decides.',
  rollout_excluded: 'Tell the user that this is not available yet.',
  switched_off: 'A person switched this off. Tell the user, and do not try again before it is switched on.',
  approval_rejected: 'A person said no. Tell the user; do not ask again for the same.',
  approval_expired: 'Nobody decided in time. Tell the user; ask again only if it is still wanted.',
  cancelled: 'A person cancelled it. Tell the user.',
  attempts_exhausted: `The system could not be reached often enough. ${person}`,
  target_changed: 'The record was changed while this waited. Read it again and decide anew.',
  unknown_tool: 'Use a tool of GET /v1/tools.',
  unknown_action: 'Use the action_id of an answer that you got.',
  unknown_run: 'Use the run id of calls that you made.',
  no_match: 'Do not guess. Ask the user for a surer detail, or tell them that nothing was found.',
  several_matches: 'Do not pick one. Ask the user for a detail that tells them apart.',
  missing_required_field: `The record is incomplete. ${person}`,
  system_unavailable: 'Nothing was changed. Try again later, or tell the user that the system is not available.',
  system_rate_limited: 'Nothing was changed. Wait for `retry_after_ms`, then call again.',
  system_rejected: 'Read what the system said under `vendor`, correct the inputs, and call again.',
  system_conflict: 'Read the record again and decide anew.',
  system_duplicate: 'Find the record that exists and work with it.',
  system_not_found: 'Check the id: find the record again.',
  system_schema_changed: `The system changed its fields. ${person} The owner of the system must look.`,
  system_permission: `The system does not allow it to this connection. ${person}`,
  credential_unavailable: `The connection to the system is broken. ${person}`,
  account_mismatch: 'Nothing was sent: the connected account is not the configured one. Tell the user.',
  store_unavailable:
    'Nothing is known to be done. Repeat exactly the same call in a few seconds: it cannot happen twice.',
  internal: 'Repeat exactly the same call once: it cannot happen twice. Then tell the user.',
};

/** What an agent should do next after an error, by code. */
export function nextStepOf(code: ErrorCode, action: string | null): NextStep {
  const message = messages[code] ?? person;
  if (code === 'again_not_allowed' && action) {
    return { message, tool: 'action_get', arguments: { action_id: action } };
  }
  return { message };
}
