import * as z from 'zod/mini';

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
      /** Where the provider says that the token is for, as it says it. */
      readonly instanceUrl: string | null;
    }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'transient'; readonly code: string }
  | { readonly kind: 'unclear'; readonly code: string };

const issuedSchema = z.object({
  // Goes into a header: visible characters only.
  access_token: z.string().check(z.maxLength(16_384), z.regex(/^[\x21-\x7e]+$/)),
  refresh_token: z.nullish(z.string().check(z.minLength(1))),
  expires_in: z.nullish(z.union([z.number(), z.string().check(z.regex(/^[0-9]+$/))])),
  instance_url: z.nullish(z.string()),
});

/** Judges a token endpoint's answer. A 5xx is unclear: a gateway may fail after the provider has rotated. */
export function judgeTokenAnswer(answer: { readonly status: number; readonly bodyText: string }): TokenAnswer {
  const { status } = answer;
  if (status === 429) return { kind: 'transient', code: 'token_endpoint_rate_limited' };
  const body = parseJson(answer.bodyText);
  if (status >= 200 && status < 300) {
    const parsed = issuedSchema.safeParse(body);
    if (!parsed.success) return { kind: 'unclear', code: 'token_answer_unreadable' };
    const { access_token, refresh_token, expires_in, instance_url } = parsed.data;
    const seconds = Number(expires_in ?? Number.NaN);
    return {
      kind: 'issued',
      accessToken: access_token,
      refreshToken: refresh_token ?? null,
      lifetimeMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : null,
      instanceUrl: instance_url ?? null,
    };
  }
  if (status === 408 || status >= 500) return { kind: 'unclear', code: `token_endpoint_${status}` };
  return { kind: 'refused', code: refusalCode(body) };
}

/** Whether a token is for this origin: providers that name none issue it for where they were asked. */
export function isForOrigin(instanceUrl: string | null, origin: string): boolean {
  if (instanceUrl === null) return true;
  return URL.canParse(instanceUrl) && new URL(instanceUrl).origin === origin;
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
