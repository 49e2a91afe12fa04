import { generateKeyPairSync } from 'node:crypto';
import { createOAuthServer as createHubSpot } from '../../infra/local/systems/hubspot/oauth.ts';
import { OAuthError } from '../../infra/local/systems/salesforce/errors.ts';
import { createOAuthServer as createSalesforce } from '../../infra/local/systems/salesforce/oauth.ts';
import { noStateFile } from '../../infra/local/systems/state-file.ts';
import { type RefreshDeps, refresh } from '../../shared/auth/refresh.ts';
import type { Clock, Random } from '../../shared/model/clock.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { memoryCaseStore } from './memory-case-store.ts';
import { memorySecretStore } from './memory-secret-store.ts';
import { memoryTokenStore } from './memory-token-store.ts';
import { manualClock } from './simulator.ts';

/** What a process does when one of its requests goes wrong: dies before or after it took effect, or never gets its answer. */
export type Accident = 'dies_before' | 'dies_after' | 'answer_lost_before' | 'answer_lost_after';

/** One request of a refresher, as the accident may hit it. */
export type Step = { readonly name: string; readonly isPost: boolean };

/** Thrown by a request of a process that was killed. */
export class Killed extends Error {}

type Gate = <T>(step: Step, work: () => Promise<T>) => Promise<T>;

/** The ways to get a token; the provider of the last two takes each request anew. */
export type WorldGrant = 'refresh_token' | 'client_credentials' | 'jwt_bearer';

const jwtKeys = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

type Provider = {
  /** Null: the connection is dropped. */
  answer(bodyText: string): { status: number; bodyText: string } | null;
  issued(): number;
};

/** HubSpot's simulated token endpoint, which rotates with reuse detection. */
function rotating(deps: { clock: Clock; random: Random }, options: { graceMs?: number; rotates?: boolean }) {
  const app = {
    clientId: 'app',
    clientSecret: 'secret',
    refreshToken: 'refresh-1',
    redirectUri: 'http://127.0.0.1/callback',
    accessTokenMs: 1_800_000,
    rotates: options.rotates ?? true,
    graceMs: options.graceMs ?? 0,
  };
  const oauth = createHubSpot({ ...deps, file: noStateFile, app, scopes: [], staticTokens: [], portalId: 1 });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const request = {
    method: 'POST',
    path: '/oauth/v3/token',
    segments: ['oauth', 'v3', 'token'],
    query: new URLSearchParams(),
  };
  const provider: Provider = {
    answer(bodyText) {
      try {
        const answer = oauth.route({ ...request, headers, bodyText });
        return answer === 'drop' ? null : { status: answer.status, bodyText: answer.bodyText };
      } catch {
        return { status: 400, bodyText: '{"status":"error","category":"BAD_REFRESH_TOKEN"}' };
      }
    },
    issued: () => oauth.counters().refreshes,
  };
  return { provider, oauth };
}

/** Salesforce's simulated token endpoint: client credentials, and assertions of which each is taken once. */
function repeatable(deps: { clock: Clock; random: Random }): Provider {
  const app = {
    clientId: 'app',
    clientSecret: 'secret',
    refreshToken: 'refresh-1',
    rotates: false,
    sessionMs: 1_800_000,
    runAs: true,
    username: 'plumbline@integration.example',
    password: null,
    jwtPublicKey: jwtKeys.publicKey,
    jwtAccessTokens: false,
  };
  const identity = { organizationId: '00D000000000001EAA', userId: '005000000000001AAA' };
  const instanceUrl = () => 'https://acme.my.salesforce.com';
  const oauth = createSalesforce({ ...deps, file: noStateFile, app, staticTokens: [], identity, instanceUrl });
  const request = {
    method: 'POST',
    path: '/services/oauth2/token',
    segments: ['services', 'oauth2', 'token'],
    query: new URLSearchParams(),
  };
  return {
    answer(bodyText) {
      try {
        const answer = oauth.token({ ...request, headers: {}, bodyText });
        return answer === 'drop' ? null : { status: answer.status, bodyText: answer.bodyText };
      } catch (error) {
        const code = error instanceof OAuthError ? error.error : 'server_error';
        return { status: 400, bodyText: JSON.stringify({ error: code, error_description: 'x' }) };
      }
    },
    issued: () => oauth.counters().issued,
  };
}

const grantSecrets: Readonly<Record<WorldGrant, object>> = {
  refresh_token: { client_id: 'app', client_secret: 'secret', refresh_token: 'refresh-1' },
  client_credentials: { client_id: 'app', client_secret: 'secret' },
  jwt_bearer: { client_id: 'app', subject: 'plumbline@integration.example', private_key: jwtKeys.privateKey },
};

const grantSettings = {
  refresh_token: { grant: 'refresh_token' },
  client_credentials: { grant: 'client_credentials', clientAuth: 'body' },
  jwt_bearer: { grant: 'jwt_bearer', audience: 'https://login.salesforce.com' },
} as const;

/** A provider, the stores, and any number of processes that ask for one system's token. */
export function tokenWorld(options: { grant?: WorldGrant; graceMs?: number; rotates?: boolean } = {}) {
  const clock = manualClock();
  let counter = 0;
  const random = (count: number) => {
    counter += 1;
    return new Uint8Array(count).map((_, index) => (counter >>> ((index % 4) * 8)) & 255);
  };
  const grant = options.grant ?? 'refresh_token';
  const uses = new Map<string, number>();
  const { provider: rotatingOne, oauth: provider } = rotating({ clock, random }, options);
  const asked = grant === 'refresh_token' ? rotatingOne : repeatable({ clock, random });
  const [tokens, secrets, cases] = [memoryTokenStore(), memorySecretStore(), memoryCaseStore()];
  const grantOf = (refreshToken: string) =>
    JSON.stringify({ ...grantSecrets.refresh_token, refresh_token: refreshToken });
  secrets.set('grant', JSON.stringify(grantSecrets[grant]), 'v1');

  const send = (pairs: readonly (readonly [string, string])[]) => {
    const form = new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, value]));
    const presented = form.get('refresh_token') ?? form.get('assertion') ?? 'client';
    uses.set(presented, (uses.get(presented) ?? 0) + 1);
    return asked.answer(form.toString()) ?? { status: 502, bodyText: '' };
  };

  /** One process; `gate` decides about each of its requests. */
  const process = (gate: Gate = (_step, work) => work()): RefreshDeps => {
    const guarded = <A extends unknown[], R>(name: string, work: (...args: A) => Promise<R>) => {
      return (...args: A) => gate({ name, isPost: false }, () => work(...args));
    };
    const settings = {
      ...grantSettings[grant],
      owner: 'revops',
      secret: 'grant',
      tokenLifetimeMs: 1_800_000,
      ...(options.graceMs === undefined ? {} : { rotationGraceMs: options.graceMs }),
    };
    return {
      systems: { hubspot: settings },
      tokens: { get: guarded('tokens.get', tokens.get), write: guarded('tokens.write', tokens.write) },
      secrets: {
        get: guarded('secrets.get', secrets.get),
        current: guarded('secrets.current', secrets.current),
        putPending: guarded('secrets.putPending', secrets.putPending),
        promote: guarded('secrets.promote', secrets.promote),
      },
      cases: { open: guarded('cases.open', cases.open), settle: guarded('cases.settle', cases.settle) },
      post: ({ form, mayWrite }) =>
        gate({ name: 'post', isPost: true }, async () =>
          mayWrite()
            ? { kind: 'answer' as const, ...send(form) }
            : { kind: 'not_sent' as const, code: 'not_permitted' },
        ),
      originOf: async () => 'https://acme.my.salesforce.com',
      clock,
      random,
      log: silentLog,
    };
  };
  const ask = (seenVersion: number, deps = process()) => refresh(deps, { system: 'hubspot', seenVersion });
  return { clock, provider, issued: asked.issued, tokens, secrets, cases, uses, grantOf, process, ask };
}

/** A gate that lets the accident happen at the nth request of one process; `steps` tells which requests there were. */
export function accidentAt(n: number, accident: Accident): { gate: Gate; steps: Step[] } {
  const steps: Step[] = [];
  let isDead = false;
  const gate: Gate = async (step, work) => {
    if (isDead) throw new Killed('a dead process asks for nothing');
    steps.push(step);
    if (steps.length !== n) return work();
    isDead = accident.startsWith('dies');
    if (accident.endsWith('after')) await work();
    if (!isDead && step.isPost) return { kind: 'lost', code: 'connection_lost' } as never;
    throw isDead ? new Killed(step.name) : new Error(`${step.name} did not answer`);
  };
  return { gate, steps };
}
