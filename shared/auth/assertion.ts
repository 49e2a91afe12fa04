import { sign } from 'node:crypto';

/** How long an assertion may be presented, milliseconds; the shortest documented limit of a provider is 3 minutes. */
const assertionLifeMs = 170_000;

/** Who asserts what to whom. */
export type Assertion = {
  readonly clientId: string;
  readonly subject: string;
  readonly audience: string;
  /** PEM of an RSA key. */
  readonly privateKey: string;
  /** Names the key, where the provider knows several. */
  readonly keyId: string | null;
  /** No two assertions have the same one. */
  readonly id: string;
};

/**
 * A signed JWT (RS256) that asks for a token in the name of `subject`. Throws where the key is none.
 * @see https://www.rfc-editor.org/rfc/rfc7523#section-3
 */
export function signedAssertion(input: Assertion, nowMs: number): string {
  const { clientId, subject, audience, privateKey, keyId, id } = input;
  const exp = Math.floor((nowMs + assertionLifeMs) / 1000);
  const head = encoded({ alg: 'RS256', typ: 'JWT', ...(keyId === null ? {} : { kid: keyId }) });
  const text = `${head}.${encoded({ iss: clientId, sub: subject, aud: audience, exp, jti: id })}`;
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), privateKey).toString('base64url')}`;
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
