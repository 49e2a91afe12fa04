import { createPublicKey, verify } from 'node:crypto';
import type { OwnersConfig } from '../config/schema.ts';
import type { Clock } from '../model/clock.ts';
import { PlumblineError } from '../model/errors.ts';
import type { Principal } from '../model/principal.ts';

/** A person whom a token and config/owners.yaml together name. */
export type Operator = {
  readonly principal: Extract<Principal, { kind: 'person' }>;
  readonly teams: readonly string[];
};

/** Who knocked, or why nobody was let in; the reason is for logs and metrics, never for the answer. */
export type OperatorAuth = { readonly kind: 'operator'; readonly operator: Operator } | Refused;

type Refused = { readonly kind: 'refused'; readonly why: string };
type Claims = Readonly<Record<string, unknown>>;

/** Signing keys of an issuer by key id, as last read; one a process. */
export type KeySet = { keys: Map<string, Claims>; readAtMs: number };

/** What {@link authenticateOperator} needs. */
export type OperatorAuthDeps = {
  readonly issuer: string;
  readonly audience: string;
  readonly owners: Pick<OwnersConfig, 'people'>;
  readonly clock: Clock;
  /** Reads JSON from a URL of the issuer, without following redirects; throws where it cannot. */
  readonly fetchJson: (url: string) => Promise<unknown>;
  readonly keySet: KeySet;
};

/** An empty key set: the first token makes the process read the issuer's keys. */
export const emptyKeySet = (): KeySet => ({ keys: new Map(), readAtMs: Number.NEGATIVE_INFINITY });

const keySetMaxAgeMs = 3_600_000;
const rereadAfterMs = 30_000;
const skewS = 30;
const maxLifeS = 24 * 3600;

/**
 * Verifies an operator's access token in code, whatever a gateway checked before: signature (RS256 or ES256 by the issuer's
 * published key), issuer, audience or client, token use, expiry, not-before, issue time. Roles and teams come from
 * config/owners.yaml only; the token says who it is, by its verified e-mail or its subject.
 * Throws what `fetchJson` throws where the issuer's keys cannot be read.
 * @param authorization the `Authorization` header
 * @see https://www.rfc-editor.org/rfc/rfc8725 sections 3.1 to 3.11
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
 */
export async function authenticateOperator(
  deps: OperatorAuthDeps,
  authorization: string | undefined,
): Promise<OperatorAuth> {
  const token = /^Bearer ([A-Za-z0-9_-]{1,4096}\.[A-Za-z0-9_-]{1,8192}\.[A-Za-z0-9_-]{1,2048})$/.exec(
    authorization ?? '',
  );
  if (!token?.[1]) return refused('no bearer token');
  const [head = '', body = '', signature = ''] = token[1].split('.');
  const header = jsonPart(head);
  const claims = jsonPart(body);
  if (!header || !claims) return refused('not a JSON web token');
  // The issuer is compared before any key is read: a token of elsewhere causes no request.
  if (claims.iss !== deps.issuer) return refused('another issuer');
  const { alg, kid, crit } = header;
  if ((alg !== 'RS256' && alg !== 'ES256') || typeof kid !== 'string' || crit !== undefined) {
    return refused('algorithm or key id not accepted');
  }
  const jwk = await keyOf(deps, kid);
  if (!jwk || !signatureHolds(jwk, alg, `${head}.${body}`, signature)) return refused('signature not valid');
  const wrong = claimProblem(deps, claims);
  if (wrong !== null) return refused(wrong);
  return personOf(deps.owners, claims);
}

function claimProblem(deps: OperatorAuthDeps, claims: Claims): string | null {
  const nowS = deps.clock.now() / 1000;
  const { aud, client_id: client, token_use: use, exp, nbf, iat } = claims;
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (use !== 'access') return 'another kind of token';
  // Cognito's access tokens name the client; where an audience stands beside it, it must be ours as well.
  if (aud !== undefined && !audiences.includes(deps.audience)) return 'another audience';
  if (aud === undefined && client !== deps.audience) return 'another client';
  if (typeof exp !== 'number' || exp <= nowS - skewS) return 'expired';
  if (typeof iat !== 'number' || iat > nowS + skewS || exp - iat > maxLifeS) return 'issue time not accepted';
  if (nbf !== undefined && (typeof nbf !== 'number' || nbf > nowS + skewS)) return 'not valid yet';
  return null;
}

function personOf({ people }: Pick<OwnersConfig, 'people'>, claims: Claims): OperatorAuth {
  // An unverified e-mail can be whatever its holder typed.
  const email = claims.email_verified === true ? claims.email : undefined;
  const named = [email, claims.sub].find((name) => typeof name === 'string' && Object.hasOwn(people, name));
  const bySubject = Object.keys(people).filter((name) => people[name]?.subject === claims.sub && claims.sub);
  // Two entries of one subject would be one person with two responsibilities: that is for the configuration to settle.
  const name = typeof named === 'string' ? named : bySubject.length === 1 ? bySubject[0] : undefined;
  const person = name === undefined ? undefined : people[name];
  if (name === undefined || !person) return refused('nobody of owners.yaml');
  const principal = { kind: 'person', id: name, roles: person.roles } as const;
  return { kind: 'operator', operator: { principal, teams: person.teams } };
}

async function keyOf(deps: OperatorAuthDeps, kid: string): Promise<Claims | null> {
  const { keySet } = deps;
  const ageMs = deps.clock.now() - keySet.readAtMs;
  const known = keySet.keys.get(kid);
  // An unknown key id may be a rotation, but invented ids must not become requests to the issuer.
  const fresh = known ? ageMs < keySetMaxAgeMs : ageMs < rereadAfterMs;
  if (fresh) return known ?? null;
  const answer = await deps.fetchJson(`${deps.issuer}/.well-known/jwks.json`);
  keySet.readAtMs = deps.clock.now();
  const list = (answer as { keys?: unknown } | null)?.keys;
  const usable = (Array.isArray(list) ? (list as Claims[]) : []).filter(
    (key) => typeof key.kid === 'string' && (key.use === undefined || key.use === 'sig'),
  );
  keySet.keys = new Map(usable.map((key) => [String(key.kid), key]));
  return keySet.keys.get(kid) ?? null;
}

function signatureHolds(jwk: Claims, alg: 'RS256' | 'ES256', signed: string, signature: string): boolean {
  const fits = alg === 'RS256' ? jwk.kty === 'RSA' : jwk.kty === 'EC' && jwk.crv === 'P-256';
  if (!fits || (jwk.alg !== undefined && jwk.alg !== alg)) return false;
  try {
    const key = createPublicKey({ key: jwk as import('node:crypto').JsonWebKey, format: 'jwk' });
    if (alg === 'RS256' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048) return false;
    const bytes = Buffer.from(signature, 'base64url');
    return verify('sha256', Buffer.from(signed), alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key, bytes);
  } catch {
    return false;
  }
}

function jsonPart(part: string): Claims | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : null;
  } catch {
    return null;
  }
}

function refused(why: string): Refused {
  return { kind: 'refused', why };
}

const fetchTimeoutMs = 3000;
const maxKeySetBytes = 64 * 1024;

/**
 * Reads an issuer's JSON: https, or http to this machine only; no redirect, 3 s, 64 KB.
 * Throws `store_unavailable` where the issuer does not answer so.
 */
export async function fetchIssuerJson(url: string): Promise<unknown> {
  const { protocol, hostname } = new URL(url);
  const issuerFault = (message: string, cause?: unknown) =>
    new PlumblineError(message, {
      code: 'store_unavailable',
      retry: 'later',
      hint: "The operators' issuer must be reachable from here; look at OPERATOR_ISSUER.",
      cause,
    });
  if (protocol !== 'https:' && hostname !== '127.0.0.1') throw issuerFault('The issuer of operators is not https.');
  try {
    const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(fetchTimeoutMs) });
    if (!answer.ok) throw issuerFault(`The issuer of operators answered ${answer.status}.`);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of answer.body ?? []) {
      size += chunk.byteLength;
      if (size > maxKeySetBytes) throw issuerFault('The issuer of operators answered too much.');
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw cause instanceof PlumblineError ? cause : issuerFault('The issuer of operators did not answer.', cause);
  }
}
