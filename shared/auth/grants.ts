import * as z from 'zod/mini';
import type { JsonObject } from '../model/json.ts';

const grantSchema = z.object({
  client_id: z.string().check(z.minLength(1)),
  client_secret: z.string().check(z.minLength(1)),
  refresh_token: z.string().check(z.minLength(1)),
});

/** What an OAuth installation is kept alive with. Read by the refresh function only; never logged. */
export type Grant = { readonly clientId: string; readonly clientSecret: string; readonly refreshToken: string };

/** The grant in a secret's value (JSON with client_id, client_secret, refresh_token), or null where it is none. */
export function parseGrant(value: string): Grant | null {
  const parsed = grantSchema.safeParse(parseJson(value));
  if (!parsed.success) return null;
  const { client_id, client_secret, refresh_token } = parsed.data;
  return { clientId: client_id, clientSecret: client_secret, refreshToken: refresh_token };
}

/**
 * The secret's value with another refresh token; fields a person added are kept.
 * @param value a value that {@link parseGrant} accepts
 */
export function withRefreshToken(value: string, refreshToken: string): string {
  return JSON.stringify({ ...(parseJson(value) as JsonObject), refresh_token: refreshToken });
}

/** The form of a refresh request. @see https://www.rfc-editor.org/rfc/rfc6749#section-6 */
export function refreshForm(grant: Grant): readonly (readonly [string, string])[] {
  return [
    ['grant_type', 'refresh_token'],
    ['client_id', grant.clientId],
    ['client_secret', grant.clientSecret],
    ['refresh_token', grant.refreshToken],
  ];
}

/**
 * What a complete answer of a token endpoint means. `refused`: the grant itself is not accepted. `transient`: proof
 * that nothing was issued, try later. `unclear`: something may have been issued.
 */
export type TokenAnswer =
  | {
      readonly kind: 'issued';
      readonly accessToken: string;
      readonly refreshToken: string | null;
      readonly lifetimeMs: number | null;
    }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'transient'; readonly code: string }
  | { readonly kind: 'unclear'; readonly code: string };

const issuedSchema = z.object({
  access_token: z.string().check(z.minLength(1), z.maxLength(16_384)),
  refresh_token: z.nullish(z.string().check(z.minLength(1))),
  expires_in: z.nullish(z.union([z.number(), z.string().check(z.regex(/^[0-9]+$/))])),
});

/** Judges a token endpoint's answer. A 5xx is unclear: a gateway may fail after the provider has rotated. */
export function judgeTokenAnswer(answer: { readonly status: number; readonly bodyText: string }): TokenAnswer {
  const { status } = answer;
  if (status === 429) return { kind: 'transient', code: 'token_endpoint_rate_limited' };
  const body = parseJson(answer.bodyText);
  if (status >= 200 && status < 300) {
    const parsed = issuedSchema.safeParse(body);
    if (!parsed.success) return { kind: 'unclear', code: 'token_answer_unreadable' };
    const { access_token, refresh_token, expires_in } = parsed.data;
    const seconds = Number(expires_in ?? Number.NaN);
    const lifetimeMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : null;
    return { kind: 'issued', accessToken: access_token, refreshToken: refresh_token ?? null, lifetimeMs };
  }
  if (status === 408 || status >= 500) return { kind: 'unclear', code: `token_endpoint_${status}` };
  return { kind: 'refused', code: refusalCode(body) };
}

const word = z.optional(z.string());
const refusedSchema = z.catch(z.object({ error: word, category: word, status: word }), {});

// The provider's own word, only where it looks like a code: nothing else of the answer may reach a log or a case.
function refusalCode(body: unknown): string {
  const { error, category, status } = refusedSchema.parse(body);
  const code = [error, category, status].find((said) => said !== undefined && said !== 'error') ?? '';
  if (code === 'BAD_REFRESH_TOKEN') return 'invalid_grant';
  return /^[A-Za-z_]{1,40}$/.test(code) ? code.toLowerCase() : 'grant_refused';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
