import { tokenRequest, withRefreshToken } from '../../shared/auth/grants.ts';
import type { RefreshSystem, TokenPost } from '../../shared/auth/refresh.ts';
import { isForOrigin, judgeTokenAnswer } from '../../shared/auth/token-answer.ts';
import type { Clock } from '../../shared/model/clock.ts';
import type { Consent } from './consent.ts';

/** What getting a first token needs. */
export type FirstTokenDeps = {
  readonly post: TokenPost;
  readonly originOf: (system: string) => Promise<string>;
  readonly clock: Pick<Clock, 'now'>;
};

/** A token to ask the system with, and what is to be stored: the provider may have replaced the refresh token. */
export type FirstToken =
  | { readonly kind: 'issued'; readonly token: string; readonly value: string }
  | { readonly kind: 'failed'; readonly why: string };

type Form = readonly (readonly [string, string])[];

/** Presents a grant once, so that only one that works is stored. Nothing the provider says is told but its code. */
export async function firstToken(
  deps: FirstTokenDeps,
  input: {
    readonly system: string;
    readonly settings: RefreshSystem;
    readonly value: string;
    readonly assertionId: string;
    readonly consent: Extract<Consent, { kind: 'agreed' }> | null;
  },
): Promise<FirstToken> {
  const { system, settings, value, assertionId, consent } = input;
  const nowMs = deps.clock.now();
  const request = consent
    ? { form: codeForm(value, consent), headers: {} }
    : tokenRequest(settings, { value, nowMs, assertionId });
  if (request === null) return { kind: 'failed', why: 'The secret does not have the shape of its grant.' };
  const sent = await deps.post({
    ...request,
    ...{ system, path: settings.tokenUrl, mayWrite: () => true, deadlineMs: nowMs + 15_000 },
  });
  if (sent.kind !== 'answer') return { kind: 'failed', why: `The token endpoint did not answer (${sent.code}).` };
  const answer = judgeTokenAnswer(sent);
  if (answer.kind !== 'issued') {
    return { kind: 'failed', why: `The token endpoint issued no token (${answer.code}). Nothing was stored.` };
  }
  if (!isForOrigin(answer.instanceUrl, await deps.originOf(system))) {
    const why = 'The token is for another origin than the configured one: correct `origin` of the system.';
    return { kind: 'failed', why };
  }
  const { accessToken: token, refreshToken } = answer;
  if (settings.grant !== 'refresh_token') return { kind: 'issued', token, value };
  if (consent && refreshToken === null) {
    const why = 'The provider issued no refresh token. Most want a scope for it, such as offline_access.';
    return { kind: 'failed', why };
  }
  return { kind: 'issued', token, value: refreshToken === null ? value : withRefreshToken(value, refreshToken) };
}

/** @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3 */
function codeForm(value: string, consent: Extract<Consent, { kind: 'agreed' }>): Form {
  const client = JSON.parse(value) as { readonly client_id: string; readonly client_secret: string };
  return [
    ['grant_type', 'authorization_code'],
    ['code', consent.code],
    ['redirect_uri', consent.redirectUri],
    ['code_verifier', consent.codeVerifier],
    ['client_id', client.client_id],
    ['client_secret', client.client_secret],
  ];
}
