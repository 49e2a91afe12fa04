import { createPrivateKey } from 'node:crypto';
import * as z from 'zod/mini';
import type { JsonObject } from '../model/json.ts';
import { signedAssertion } from './assertion.ts';

/** How tokens of a system are asked for. */
export type GrantKind =
  /** `rotates` false: documented that a refresh never replaces the refresh token. */
  | { readonly grant: 'refresh_token'; readonly rotates?: boolean }
  | { readonly grant: 'client_credentials'; readonly scope?: string; readonly clientAuth: 'body' | 'basic' }
  | { readonly grant: 'jwt_bearer'; readonly audience: string };

/** Whether a request uses up the grant: then a second one is not made on hope. */
export function isUsedUp(how: GrantKind): boolean {
  return how.grant === 'refresh_token' && how.rotates !== false;
}

/** One request to a token endpoint, ready to be sent. It holds secrets: nothing of it is logged or stored. */
export type TokenRequest = {
  readonly form: readonly (readonly [string, string])[];
  readonly headers: Readonly<Record<string, string>>;
};

const text = z.string().check(z.minLength(1));

const schemas = {
  refresh_token: z.object({ client_id: text, client_secret: text, refresh_token: text }),
  client_credentials: z.object({ client_id: text, client_secret: text }),
  jwt_bearer: z.object({ client_id: text, subject: text, private_key: text, key_id: z.optional(text) }),
};

/** What lies in the secret of each grant, as JSON. Read by the refresh function only; never logged. */
export type GrantSecret = { readonly [K in keyof typeof schemas]: z.output<(typeof schemas)[K]> };

/** The grant in a secret's value, or null where it is none of that kind. Fields that are not known are left alone. */
export function parseGrant<K extends GrantKind['grant']>(kind: K, value: string): GrantSecret[K] | null {
  const parsed = schemas[kind].safeParse(parseJson(value));
  if (!parsed.success) return null;
  const grant = parsed.data as GrantSecret[K];
  return 'private_key' in grant && !isRsaKey(grant.private_key) ? null : grant;
}

/**
 * The request that asks for a token, or null where the secret's value is no grant of that kind.
 * @param input.assertionId names the assertion of a JWT bearer grant: another one for each request
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.4 https://www.rfc-editor.org/rfc/rfc7523#section-2.1
 */
export function tokenRequest(
  how: GrantKind,
  input: { readonly value: string; readonly nowMs: number; readonly assertionId: string },
): TokenRequest | null {
  switch (how.grant) {
    case 'refresh_token': {
      const grant = parseGrant(how.grant, input.value);
      if (grant === null) return null;
      const form = [['grant_type', how.grant], ...clientFields(grant), ['refresh_token', grant.refresh_token]] as const;
      return { form, headers: {} };
    }
    case 'client_credentials': {
      const grant = parseGrant(how.grant, input.value);
      if (grant === null) return null;
      const isBasic = how.clientAuth === 'basic';
      const scope = how.scope === undefined ? [] : ([['scope', how.scope]] as const);
      return {
        form: [['grant_type', how.grant], ...(isBasic ? [] : clientFields(grant)), ...scope],
        headers: isBasic ? { authorization: basicOf(grant.client_id, grant.client_secret) } : {},
      };
    }
    case 'jwt_bearer': {
      const grant = parseGrant(how.grant, input.value);
      if (grant === null) return null;
      const { client_id: clientId, subject, private_key: privateKey, key_id: keyId = null } = grant;
      const claims = { clientId, subject, audience: how.audience, privateKey, keyId, id: input.assertionId };
      const assertion = signedAssertion(claims, input.nowMs);
      const type = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
      return {
        form: [
          ['grant_type', type],
          ['assertion', assertion],
        ],
        headers: {},
      };
    }
  }
}

/**
 * The secret's value with another refresh token; fields a person added are kept.
 * @param value a value that {@link parseGrant} accepts
 */
export function withRefreshToken(value: string, refreshToken: string): string {
  return JSON.stringify({ ...(parseJson(value) as JsonObject), refresh_token: refreshToken });
}

/** The refresh token in a secret's value, or null. */
export function refreshTokenIn(value: string): string | null {
  return parseGrant('refresh_token', value)?.refresh_token ?? null;
}

function clientFields(grant: { readonly client_id: string; readonly client_secret: string }) {
  return [
    ['client_id', grant.client_id],
    ['client_secret', grant.client_secret],
  ] as const;
}

/** Both halves are form-encoded first. @see https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1 */
function basicOf(id: string, secret: string): string {
  const part = (value: string) => new URLSearchParams([['', value]]).toString().slice(1);
  return `Basic ${Buffer.from(`${part(id)}:${part(secret)}`).toString('base64')}`;
}

function isRsaKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return null;
  }
}
