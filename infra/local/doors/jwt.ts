import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import type { Clock } from '../../../shared/model/clock.ts';

/** The claims of a token that is valid for one of the audiences, else null. */
export type VerifyJwt = (
  token: string,
  audiences: readonly string[],
) => Promise<Readonly<Record<string, unknown>> | null>;

/**
 * Verifies tokens as the JWT authorizer of an HTTP API does: RS256 by the issuer's keys, issuer, audience (or client id),
 * times. Keys are read from the issuer and kept for five minutes.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
 */
export function createJwtVerifier(issuer: string, clock: Clock): VerifyJwt {
  let keys: { readonly byId: ReadonlyMap<string, JsonWebKey>; readonly readAtMs: number } | null = null;
  const keyOf = async (kid: string) => {
    if (keys === null || clock.now() - keys.readAtMs > 300_000) {
      keys = { byId: await readKeys(issuer), readAtMs: clock.now() };
    }
    return keys.byId.get(kid);
  };
  return async (token, audiences) => {
    const [head = '', payload = '', signature = '', ...rest] = token.split('.');
    const header = decode(head);
    const claims = decode(payload);
    if (rest.length > 0 || header?.['alg'] !== 'RS256' || claims === null) return null;
    const jwk = await keyOf(String(header['kid'])).catch(() => undefined);
    if (jwk === undefined) return null;
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const signed = verify('RSA-SHA256', Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, 'base64url'));
    return signed && isMeant(claims, issuer, audiences, clock.now() / 1000) ? claims : null;
  };
}

function isMeant(
  claims: Readonly<Record<string, unknown>>,
  issuer: string,
  audiences: readonly string[],
  nowS: number,
): boolean {
  const named = [claims['aud'] ?? claims['client_id']].flat().map(String);
  const notBefore = typeof claims['nbf'] === 'number' ? claims['nbf'] : 0;
  const expires = typeof claims['exp'] === 'number' ? claims['exp'] : 0;
  return (
    claims['iss'] === issuer && named.some((one) => audiences.includes(one)) && notBefore <= nowS && expires > nowS
  );
}

async function readKeys(issuer: string): Promise<ReadonlyMap<string, JsonWebKey>> {
  const answer = await fetch(`${issuer}/.well-known/jwks.json`, { signal: AbortSignal.timeout(5000) });
  const { keys } = (await answer.json()) as { keys: (JsonWebKey & { kid: string })[] };
  return new Map(keys.map((key) => [key.kid, key]));
}

function decode(part: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
