import { isObject } from '../../model/json.ts';
import type { Classified, FailureClass, HttpAnswer } from '../../model/operation.ts';
import { bodyOf } from './client.ts';

/** A classified GitHub failure. `notApplied`: it proves that this request was not carried out. */
export type GithubFailure = { readonly error: Classified; readonly notApplied: boolean };

/** By status: GitHub has no codes of its own. What is not listed proves nothing. @see https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api */
const byStatus: Readonly<Record<number, FailureClass>> = {
  400: 'schema',
  401: 'auth',
  403: 'permission',
  // Also what the credential may not see.
  404: 'not_found',
  406: 'schema',
  409: 'conflict',
  410: 'schema',
  415: 'schema',
  422: 'business',
  429: 'rate',
};

/** What GitHub asks for where a secondary limit names no time, milliseconds. */
const secondaryWaitMs = 60_000;

/**
 * Classifies an answer that is not the expected one. A limit is 403 or 429: the primary one says that nothing remains and when
 * it begins anew, a secondary one says how long to wait or only what it is.
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
 */
export function githubFailure(answer: HttpAnswer): GithubFailure {
  const { status, headers } = answer;
  const body = bodyOf(answer);
  const said = isObject(body) && typeof body.message === 'string' ? body.message : null;
  const limited = limitOf(answer, said);
  const kind = limited === null ? (byStatus[status] ?? 'unknown_outcome') : 'rate';
  const requestId = headers['x-github-request-id'];
  return {
    // An answer without GitHub's own words is of something in between.
    notApplied: kind !== 'unknown_outcome' && (said !== null || limited !== null),
    error: {
      class: kind,
      code: limited?.code ?? `http_${status}`,
      message: (said ?? `GitHub answered ${status} without a message of its own.`).slice(0, 300),
      ...(limited === null ? {} : { retryAfterMs: limited.waitMs }),
      ...(requestId ? { vendorRequestId: requestId } : {}),
    },
  };
}

function limitOf(
  { status, headers }: HttpAnswer,
  said: string | null,
): { readonly code: string; readonly waitMs: number } | null {
  if (status !== 403 && status !== 429) return null;
  const after = headers['retry-after'];
  if (after && /^[0-9]{1,5}$/.test(after)) return { code: 'secondary_rate_limit', waitMs: Number(after) * 1000 };
  if (headers['x-ratelimit-remaining'] === '0') return { code: 'rate_limit', waitMs: untilReset(headers) };
  if (status === 429 || /secondary rate limit|abuse detection/i.test(said ?? '')) {
    return { code: 'secondary_rate_limit', waitMs: secondaryWaitMs };
  }
  return null;
}

/** By GitHub's own clock, so that ours need not be right; a reset that cannot be read is waited for as a secondary limit is. */
function untilReset(headers: HttpAnswer['headers']): number {
  const resetS = Number(headers['x-ratelimit-reset']);
  const saidAtMs = Date.parse(headers.date ?? '');
  const leftMs = resetS * 1000 - saidAtMs;
  return Number.isFinite(leftMs) ? Math.min(Math.max(leftMs, 1000), 3_600_000) : secondaryWaitMs;
}

/** Whether an answer says that the token is not accepted. GitHub tells no expired one from a wrong one. */
export function saysTokenExpired(answer: HttpAnswer): boolean {
  return answer.status === 401;
}
