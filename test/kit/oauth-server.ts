import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Context, Provider } from 'oidc-provider';

const jwtGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const clientSecret = 'not-a-real-client-secret';
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** The secrets of the server's clients, as the product stores them. */
export const clientSecrets = {
  app: { client_id: 'app', client_secret: clientSecret },
  machine: { client_id: 'machine', client_secret: clientSecret },
  basic: { client_id: 'basic', client_secret: clientSecret },
  asserting: {
    client_id: 'asserting',
    subject: 'plumbline@integration.example',
    private_key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  },
} as const;

/** What happens to the next request for a token: held before or after it takes effect, until the caller is gone. */
export type Hold = 'before' | 'after';

/**
 * A real OAuth server (oidc-provider) with its resource: consent with PKCE only, refresh tokens that rotate with reuse detection
 * unless `rotates` is false, client credentials in the form and as Basic, and assertions of which each is taken once.
 */
export async function startOAuthServer(options: { rotates?: boolean } = {}) {
  const issued: string[] = [];
  const refused: string[] = [];
  const tokens: string[] = [];
  let hold: { readonly when: Hold; readonly reached: () => void } | null = null;
  let provider: Provider | null = null;
  const server = createServer((request, response) => {
    if (provider !== null) void route(provider, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  provider = makeProvider(url, options.rotates ?? true);
  provider.on('grant.success', ({ body, oidc }) => {
    issued.push(oidc.params.grant_type ?? '');
    tokens.push((body as { access_token: string }).access_token);
  });
  provider.on('grant.error', ({ oidc }) => refused.push(oidc.params?.grant_type ?? ''));

  async function route(to: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0] ?? '';
    if (path === '/resource') return resource(to, request, response);
    if (path.startsWith('/interaction/')) return agree(to, request, response);
    if (path !== '/token') return to.callback()(request, response);
    await readForm(request);
    const held = hold;
    hold = null;
    if (held?.when === 'before') return held.reached();
    if (held?.when === 'after') {
      // It takes effect, and nobody is told.
      response.end = ((...args: unknown[]) => {
        void args;
        held.reached();
        return response;
      }) as ServerResponse['end'];
    }
    to.callback()(request, response);
  }

  return {
    url,
    /** Grant types of the requests that were answered with a token. */
    issued,
    refused,
    /** Ends every access token that was issued, as if its time were over. */
    async expireAll() {
      for (const token of tokens) await (await find(provider, token))?.destroy();
    },
    /** Holds the next request for a token for good; resolves when it is there. */
    holdNext: (when: Hold) =>
      new Promise<void>((reached) => {
        hold = { when, reached };
      }),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A person at the consent page: follows every redirect with their cookies, up to the one back to `redirectUri`. */
export async function consentAt(page: string, redirectUri: string): Promise<Response> {
  const cookies = new Map<string, string>();
  let next = page;
  for (let step = 0; step < 10; step += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(next, { redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    if (location === null || next.startsWith(redirectUri)) return answer;
    next = new URL(location, next).href;
  }
  throw new Error('The consent page goes round in circles.');
}

function makeProvider(url: string, rotates: boolean): Provider {
  const common = { client_secret: clientSecret, redirect_uris: [], response_types: [] };
  const machine = { ...common, grant_types: ['client_credentials'] };
  const provider = new Provider(url, {
    clients: [
      {
        ...clientSecrets.app,
        application_type: 'native',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: ['http://127.0.0.1/callback'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post',
      },
      { ...machine, client_id: 'machine', token_endpoint_auth_method: 'client_secret_post' },
      { ...machine, client_id: 'basic', token_endpoint_auth_method: 'client_secret_basic' },
      {
        ...{ client_id: 'asserting', grant_types: [jwtGrant], redirect_uris: [], response_types: [] },
        token_endpoint_auth_method: 'none',
      },
    ],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    findAccount: async (_context: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    issueRefreshToken: async () => true,
    pkce: { required: () => true },
    rotateRefreshToken: rotates,
    scopes: ['openid', 'offline_access', 'crm.read', 'crm.write'],
    cookies: { keys: ['test'] },
    ttl: {
      AccessToken: 3600,
      ClientCredentials: 3600,
      Grant: 3600,
      Interaction: 600,
      RefreshToken: 3600,
      Session: 600,
    },
  });
  const taken = new Set<string>();
  provider.registerGrantType(jwtGrant, (context) => acceptAssertion(provider, taken, context), ['assertion']);
  return provider;
}

async function acceptAssertion(provider: Provider, taken: Set<string>, context: Context): Promise<void> {
  const [head = '', claims = '', signature = ''] = (context.oidc.params.assertion ?? '').split('.');
  const key = createPublicKey(keys.publicKey.export({ type: 'spki', format: 'pem' }));
  const isSigned = verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url'));
  const { jti, exp, aud } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>;
  const isFresh = !taken.has(String(jti)) && Number(exp) * 1000 > Date.now() && aud === audience;
  if (!isSigned || !isFresh) throw Object.assign(new Error('invalid_grant'), { statusCode: 400, expose: true });
  taken.add(String(jti));
  const token = await new provider.ClientCredentials({ client: context.oidc.client, scope: 'crm.read' }).save();
  context.body = { access_token: token, expires_in: 3600, token_type: 'Bearer' };
}

/** Whom assertions must be made for. */
export const audience = 'https://login.example';

async function find(provider: Provider | null, token: string) {
  return (await provider?.AccessToken.find(token)) ?? provider?.ClientCredentials.find(token);
}

async function resource(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const found = await find(provider, token);
  response.writeHead(found && !found.isExpired ? 200 : 401).end('{}');
}

async function agree(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { params } = await provider.interactionDetails(request, response);
  const grant = new provider.Grant({ accountId: 'bot-1', clientId: params.client_id ?? '' });
  grant.addOIDCScope(params.scope ?? '');
  const consent = { grantId: await grant.save() };
  await provider.interactionFinished(request, response, { login: { accountId: 'bot-1' }, consent });
}

/** Reads the form ahead of the provider, and names the client of an assertion, which the provider wants to know first. */
async function readForm(request: IncomingMessage): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
  const client = form.grant_type === jwtGrant ? { client_id: 'asserting' } : {};
  Object.assign(request, { body: { ...form, ...client } });
}
