import type { RestCondition, RestConfig } from '../../config/rest-schema.ts';
import type { Json } from '../../model/json.ts';
import type { Classified, FailureClass, HttpAnswer } from '../../model/operation.ts';
import { bodyOf, valueAt } from './client.ts';

/** A classified failure. `notApplied`: it proves that a write did nothing. */
export type RestFailure = { readonly error: Classified; readonly notApplied: boolean };

/** What a status says where no rule holds. Without a body of the system's own, something in between may have answered. */
const byStatus: Readonly<Record<number, FailureClass>> = {
  400: 'business',
  401: 'auth',
  403: 'permission',
  404: 'not_found',
  405: 'schema',
  409: 'conflict',
  410: 'not_found',
  422: 'business',
  429: 'rate',
};

/** Refusals that come before anything is done, whoever answered. */
const refusedInFront: readonly number[] = [401, 429];

/** Whether a condition of the description holds on an answer. Letter case is ignored where text is searched. */
export function holds(condition: RestCondition, answer: HttpAnswer): boolean {
  const { status, at, equals, contains, bodyContains } = condition;
  if (status !== undefined && !statusIs(status, answer.status)) return false;
  if (bodyContains !== undefined && !includes(answer.bodyText, bodyContains)) return false;
  if (at === undefined) return true;
  const value = valueAt(bodyOf(answer), at);
  if (value === undefined) return false;
  if (equals !== undefined && ![equals].flat().some((one) => same(value, one))) return false;
  return contains === undefined || (typeof value !== 'object' && includes(String(value), contains));
}

function statusIs(wanted: NonNullable<RestCondition['status']>, status: number): boolean {
  if (typeof wanted === 'string') return Math.floor(status / 100) === Number(wanted[0]);
  return [wanted].flat().includes(status);
}

const includes = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase());

/** Systems write numbers as text and the other way round. */
function same(value: Json, wanted: Json): boolean {
  if (typeof value === 'object' || typeof wanted === 'object') return value === wanted;
  return String(value) === String(wanted);
}

/** Whether an answer is the success that the operation describes, or the system for all of them. */
export function succeeded(
  rest: Pick<RestConfig, 'success'>,
  operation: { readonly success?: RestConfig['success'] | undefined },
  answer: HttpAnswer,
): boolean {
  const { status, when } = operation.success ?? rest.success;
  return status.includes(answer.status) && (when === undefined || holds(when, answer));
}

/**
 * Classifies an answer that is not the expected success: by the first rule of the description that holds, then by status.
 * A 5xx, `transient` and what cannot be read prove nothing of a write, unless the rule says that nothing was written.
 */
export function restFailure(rest: RestConfig, answer: HttpAnswer): RestFailure {
  const rule = rest.errors.find(({ when }) => holds(when, answer));
  const own = bodyOf(answer) !== undefined;
  const told = rule?.class ?? byStatus[answer.status];
  const kind = told ?? 'unknown_outcome';
  const waitMs = waitOf(answer) ?? (rule?.wait === undefined ? undefined : rule.wait * 1000);
  const inFront = refusedInFront.includes(answer.status);
  const proves = rule ? ruleProves(rule, answer, own || inFront) : told !== undefined && (own || inFront);
  // Absence that a page of something in between tells is none.
  const unsure = !own && !inFront && (!rule || (rule.class === 'not_found' && !looksInside(rule)));
  return {
    notApplied: proves && kind !== 'unknown_outcome',
    error: {
      class: unsure ? 'unknown_outcome' : kind,
      code: codeOf(rest, answer),
      message: messageOf(rest, answer),
      ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    },
  };
}

type Rule = RestConfig['errors'][number];

/** A rule that knows no more than a status holds for the page of something in between, too. */
function ruleProves(rule: Rule, answer: HttpAnswer, own: boolean): boolean {
  if (rule.nothingWritten) return true;
  return answer.status < 500 && rule.class !== 'transient' && (own || looksInside(rule));
}

function looksInside({ when }: Rule): boolean {
  return when.at !== undefined || when.bodyContains !== undefined;
}

/** A short code of the system's own, else the status. */
function codeOf({ errorCode }: RestConfig, answer: HttpAnswer): string {
  const value = errorCode === undefined ? undefined : valueAt(bodyOf(answer), errorCode);
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  return /^[A-Za-z0-9_.:-]{1,60}$/.test(text) ? text : `http_${answer.status}`;
}

/** At most 300 characters of the system's text. */
function messageOf({ errorText }: RestConfig, answer: HttpAnswer): string {
  const body = bodyOf(answer);
  const value = errorText === undefined ? undefined : valueAt(body, errorText);
  if (typeof value === 'string' && value !== '') return value.slice(0, 300);
  return body === undefined
    ? `The system answered ${answer.status} with something that is no JSON.`
    : `The system answered ${answer.status} without an error of its own.`;
}

/** Whole seconds, where they are sent. @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function waitOf(answer: HttpAnswer): number | undefined {
  const value = answer.headers['retry-after'];
  return value && /^[0-9]{1,5}$/.test(value) ? Number(value) * 1000 : undefined;
}
