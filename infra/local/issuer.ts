import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OwnersConfig } from '../../shared/config/schema.ts';
import type { Clock, Random } from '../../shared/model/clock.ts';
import { type Listener, type LocalAnswer, type LocalRequest, listen } from './listener.ts';
import { installKey, privateDirectory, writePrivateFile } from './state-dir.ts';

/** The client that operators' tokens are made for. */
export const localAudience = 'plumbline-local';

/** How long a token works, seconds. */
export const tokenLifeS = 3600;

/** The identity provider of this machine. */
export type Issuer = Listener & {
  /** A token of one person of config/owners.yaml; throws for anybody else. */
  tokenFor(person: string): string;
  /** What the token endpoint asks for; kept in a file that only its owner can read. */
  readonly loginSecret: string;
};

type Deps = {
  readonly url: () => string;
  readonly privateKey: string;
  readonly loginSecret: string;
  readonly people: OwnersConfig['people'];
  readonly clock: Clock;
};

/**
 * Starts a development issuer on loopback: discovery, keys, and a token endpoint that gives tokens of the people in
 * config/owners.yaml to who knows this install's login secret. Key and secret are random and stay in `directory`.
 * @param input.origins pages that may ask for a token, such as the console's
 * @see https://openid.net/specs/openid-connect-discovery-1_0.html
 */
export async function startIssuer(input: {
  readonly port: number;
  readonly directory: string;
  readonly people: OwnersConfig['people'];
  readonly clock: Clock;
  readonly random: Random;
  readonly origins?: readonly string[];
}): Promise<Issuer> {
  const directory = privateDirectory(input.directory);
  const loginSecret = installKey(directory, 'login-secret', 24, input.random).toString('base64url');
  let url = '';
  const { people, clock } = input;
  const deps: Deps = { url: () => url, privateKey: signingKey(directory), loginSecret, people, clock };
  const listener = await listen({
    name: 'issuer',
    port: input.port,
    maxBodyBytes: 10_000,
    origins: input.origins ?? [],
    handle: async (request) => withCors(route(deps, request), request, input.origins ?? []),
  });
  url = listener.url;
  return { ...listener, loginSecret, tokenFor: (person) => issue(deps, person) };
}

function signingKey(directory: string): string {
  const file = join(directory, 'issuer-key.pem');
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writePrivateFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  }
  return readFileSync(file, 'utf8');
}

function route(deps: Deps, request: LocalRequest): LocalAnswer {
  const path = request.target.split('?')[0];
  if (request.method === 'OPTIONS') return { status: 204 };
  if (request.method === 'GET' && path === '/.well-known/openid-configuration') return json(200, discovery(deps.url()));
  if (request.method === 'GET' && path === '/.well-known/jwks.json')
    return json(200, { keys: [publicJwk(deps.privateKey)] });
  if (request.method === 'POST' && path === '/token') return token(deps, request);
  return json(404, { error: 'not_found' });
}

function discovery(issuer: string): object {
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    token_endpoint: `${issuer}/token`,
    grant_types_supported: ['password'],
    id_token_signing_alg_values_supported: ['RS256'],
  };
}

function token(deps: Deps, request: LocalRequest): LocalAnswer {
  const form = new URLSearchParams(request.body.toString('utf8'));
  const [person, secret] = [form.get('username') ?? '', form.get('password') ?? ''];
  if (form.get('grant_type') !== 'password') return json(400, { error: 'unsupported_grant_type' });
  if (!same(secret, deps.loginSecret) || !Object.hasOwn(deps.people, person))
    return json(400, { error: 'invalid_grant' });
  return json(200, { access_token: issue(deps, person), token_type: 'Bearer', expires_in: tokenLifeS });
}

function issue(deps: Deps, person: string): string {
  if (!Object.hasOwn(deps.people, person)) throw new Error(`${person} does not stand in config/owners.yaml.`);
  const nowS = Math.floor(deps.clock.now() / 1000);
  const claims = {
    iss: deps.url(),
    sub: person,
    email: person,
    email_verified: true,
    aud: localAudience,
    client_id: localAudience,
    token_use: 'access',
    iat: nowS,
    exp: nowS + tokenLifeS,
  };
  const head = encode({ alg: 'RS256', typ: 'JWT', kid: publicJwk(deps.privateKey).kid });
  const text = `${head}.${encode(claims)}`;
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), deps.privateKey).toString('base64url')}`;
}

function publicJwk(privateKey: string): { kid: string } & Readonly<Record<string, unknown>> {
  const jwk = createPublicKey(createPrivateKey(privateKey)).export({ format: 'jwk' });
  const kid = createHash('sha256').update(String(jwk.n)).digest('hex').slice(0, 16);
  return { ...jwk, kid, use: 'sig', alg: 'RS256' };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function same(left: string, right: string): boolean {
  const [a, b] = [left, right].map((text) => createHash('sha256').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}

function json(status: number, body: object): LocalAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(body),
  };
}

function withCors(answer: LocalAnswer, request: LocalRequest, origins: readonly string[]): LocalAnswer {
  const origin = request.headers['origin'];
  if (answer === 'drop' || origin === undefined || !origins.includes(origin)) return answer;
  const cors = {
    'access-control-allow-origin': origin,
    'access-control-allow-headers': 'content-type',
    vary: 'Origin',
  };
  return { ...answer, headers: { ...answer.headers, ...cors } };
}
