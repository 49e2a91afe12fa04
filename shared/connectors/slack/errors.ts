import type { JsonObject } from '../../model/json.ts';
import type { Classified, FailureClass, HttpAnswer } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import { successOf, textOf } from './client.ts';

/** A classified Slack failure. `notApplied`: it proves that this request was not carried out. */
export type SlackFailure = { readonly error: Classified; readonly notApplied: boolean };

type Verdict = { readonly class: FailureClass; readonly notApplied: boolean; readonly retryAfterMs?: number };

const refused = (kind: FailureClass): Verdict => ({ class: kind, notApplied: true });
const unknown: Verdict = { class: 'unknown_outcome', notApplied: false };
const limited: Verdict = { class: 'rate', notApplied: true, retryAfterMs: 30_000 };
const notNow: Verdict = { class: 'transient', notApplied: true, retryAfterMs: 5000 };

/** Codes that say that the credential itself is not accepted. */
const authCodes: ReadonlySet<string> = new Set([
  'account_inactive',
  'invalid_auth',
  'not_authed',
  'token_expired',
  'token_revoked',
]);

/** By `error`: Slack answers 200 to nearly everything. @see https://docs.slack.dev/reference/methods/chat.postMessage#errors */
const byCode: Readonly<Record<string, Verdict>> = {
  ratelimited: limited,
  rate_limited: limited,
  message_limit_exceeded: limited,
  // The body did not arrive whole.
  request_timeout: notNow,
  team_added_to_org: notNow,
  access_denied: refused('permission'),
  accesslimited: refused('permission'),
  ekm_access_denied: refused('permission'),
  enterprise_is_restricted: refused('permission'),
  missing_scope: refused('permission'),
  not_allowed_token_type: refused('permission'),
  not_in_channel: refused('permission'),
  no_permission: refused('permission'),
  org_login_required: refused('permission'),
  team_access_not_granted: refused('permission'),
  two_factor_setup_required: refused('permission'),
  cant_update_message: refused('permission'),
  cant_delete_message: refused('permission'),
  channel_not_found: refused('not_found'),
  message_not_found: refused('not_found'),
  thread_not_found: refused('not_found'),
  user_not_found: refused('not_found'),
  users_not_found: refused('not_found'),
  user_not_visible: refused('not_found'),
  edit_window_closed: refused('business'),
  is_archived: refused('business'),
  is_inactive: refused('business'),
  metadata_too_large: refused('business'),
  msg_too_long: refused('business'),
  no_text: refused('business'),
  cannot_reply_to_message: refused('business'),
  deprecated_endpoint: refused('schema'),
  method_deprecated: refused('schema'),
  unknown_method: refused('schema'),
  json_not_object: refused('schema'),
  missing_charset: refused('schema'),
  missing_post_type: refused('schema'),
};

/** By family, where the code itself is not listed: each refuses before anything is done. */
const byFamily: readonly (readonly [RegExp, Verdict])[] = [
  [/^(restricted_action|slack_connect_|team_not_|app_missing_)/, refused('permission')],
  [/^invalid_(arg|arguments|array|charset|form|json|post)/, refused('schema')],
  [
    /^(invalid_|too_many_|too_long|no_|not_|cant_|cannot_|as_user_|messages_tab_|metadata_|markdown_)/,
    refused('business'),
  ],
];

/** By status, where Slack itself did not speak: refused before it could reach the method. */
const byStatus: Readonly<Record<number, Verdict>> = { 401: refused('auth'), 429: limited };

/**
 * Classifies an answer that is not the expected one: by Slack's `error`, then by status. A code that is not listed proves
 * nothing (`internal_error` and `fatal_error` say themselves that some of the call may have succeeded), and neither does any
 * answer of something in between.
 */
export function slackFailure(answer: HttpAnswer): SlackFailure {
  const body = bodyOf(answer);
  const code = body?.ok === false ? textOf(body, 'error') : null;
  // A server that failed may have failed after the method, whatever code it wrote into its answer.
  const verdict = code === null || answer.status >= 500 ? verdictOfStatus(answer.status) : verdictOfCode(code);
  const retryAfterMs = retryAfterOf(answer) ?? verdict.retryAfterMs;
  const target = body && (textOf(body, 'needed') ?? textOf(body, 'arg'));
  const requestId = answer.headers['x-slack-req-id'];
  return {
    notApplied: verdict.notApplied,
    error: {
      class: verdict.class,
      code: code ?? `http_${answer.status}`,
      message: messageOf(body, code, answer.status),
      ...(verdict.class !== 'rate' && verdict.class !== 'transient' ? {} : withWait(retryAfterMs)),
      ...(target ? { target } : {}),
      ...(requestId ? { vendorRequestId: requestId } : {}),
    },
  };
}

/** Whether an answer says that the token has ended, so that a newer one helps. */
export function saysTokenExpired(answer: HttpAnswer): boolean {
  const body = bodyOf(answer);
  return body?.ok === false && body.error === 'token_expired';
}

/** What any answer of Slack means; null for one that succeeded. */
export function classify(answer: HttpAnswer): Classified | null {
  return successOf(answer) ? null : slackFailure(answer).error;
}

function verdictOfCode(code: string): Verdict {
  if (authCodes.has(code)) return refused('auth');
  const known = Object.hasOwn(byCode, code) ? byCode[code] : undefined;
  return known ?? byFamily.find(([family]) => family.test(code))?.[1] ?? unknown;
}

function verdictOfStatus(status: number): Verdict {
  return (
    byStatus[status] ?? { class: status >= 500 || status < 400 ? 'unknown_outcome' : 'business', notApplied: false }
  );
}

/** At most 300 characters: the code, what a scope lacks, what Slack says of the arguments. Tokens never stand in these. */
function messageOf(body: JsonObject | null, code: string | null, status: number): string {
  if (!body || code === null) return `Slack answered ${status} without an error of its own.`;
  const [needed, provided] = [textOf(body, 'needed'), textOf(body, 'provided')];
  const scopes = needed === null ? '' : ` The token lacks ${needed}; it has ${provided ?? 'no scope'}.`;
  const meta = body.response_metadata;
  const said = typeof meta === 'object' && meta !== null && 'messages' in meta && Array.isArray(meta.messages);
  const more = said
    ? ` ${(meta.messages as readonly unknown[]).filter((one) => typeof one === 'string').join(' ')}`
    : '';
  return `${code}.${scopes}${more}`.replaceAll(/\bxox[a-z]-[A-Za-z0-9-]+/g, '[token]').slice(0, 300);
}

function withWait(retryAfterMs: number | undefined): { retryAfterMs?: number } {
  return retryAfterMs === undefined ? {} : { retryAfterMs };
}

/** Whole seconds, as Slack sends them. @see https://docs.slack.dev/apis/web-api/rate-limits */
function retryAfterOf(answer: HttpAnswer): number | undefined {
  const value = answer.headers['retry-after'];
  return value && /^[0-9]{1,5}$/.test(value) ? Number(value) * 1000 : undefined;
}
