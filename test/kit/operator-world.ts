import { generateKeyPairSync, sign } from 'node:crypto';
import { authenticateOperator, emptyKeySet } from '../../shared/auth/operators.ts';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import { answerOperator } from '../../shared/ledger/operator-api/api.ts';
import type { ActionDesk, OperatorApiDeps } from '../../shared/ledger/operator-api/deps.ts';
import type { ActionRecord } from '../../shared/model/action.ts';
import { systemRandom } from '../../shared/model/clock.ts';
import type { InboxMessage } from '../../shared/model/event.ts';
import { actionId } from '../../shared/model/ids.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { testNowMs } from './action-records.ts';
import { fixedClock } from './fixed-clock.ts';
import { memoryApiKeyStore } from './memory-api-key-store.ts';
import { memoryCaseStore } from './memory-case-store.ts';
import { memoryControlStore } from './memory-control-store.ts';
import { memoryInboxStore } from './memory-inbox-store.ts';
import { memoryLedgerStore } from './memory-ledger-store.ts';
import { memoryPayloadStore } from './memory-payload-store.ts';
import { memoryCredentialStore, memoryTokenStore } from './memory-token-store.ts';

/** Issuer and audience of the tests' operators. */
export const issuer = 'https://issuer.example/pool';
export const audience = 'plumbline-operators';

const agent = {
  owner: 'revops',
  mode: 'write' as const,
  tools: ['deal_*'],
  responsible: ['anna@acme.example'],
  scope: { personal: [], records: {} },
  budgets: {},
  iam: [],
  events: [],
};

/** A small configuration: one system, two agents, and one person of each role. */
export const operatorConfig: PlumblineConfig = {
  files: {},
  version: 'test',
  systems: {
    hubspot: {
      connector: 'hubspot',
      owner: 'revops',
      account: { portalId: 1, is: 'sandbox' },
      apiVersion: '2026-09',
      auth: { grant: 'bearer', secret: 'plumbline/test/hubspot' },
      scopes: [],
      limits: [{ calls: 100, per: 10_000 }],
      breaker: { opensAfter: 5, stays: 30_000, whileOpen: 'queue' },
      waitingAlarm: 900_000,
      settle: 300_000,
      personal: [],
      feeds: {},
      webhooks: {
        crm: { scheme: 'hubspot-v3', secret: 'plumbline/test/crm', tolerance: 300_000, maxBodyBytes: 1_048_576 },
      },
    },
  },
  agents: { 'sales-assistant': agent, 'support-assistant': { ...agent, owner: 'support' } },
  owners: {
    teams: {
      revops: { notify: ['#revops-alerts'], escalateTo: 'revops-leads' },
      'revops-leads': { notify: ['#revops-leads'], escalateTo: 'platform' },
      support: { notify: [], escalateTo: 'platform' },
      platform: { notify: ['#platform-oncall'] },
    },
    people: {
      'vera@acme.example': { roles: ['viewer'], teams: ['revops'] },
      'olga@acme.example': { roles: ['operator'], teams: ['revops'] },
      'omar@acme.example': { roles: ['operator'], teams: ['support'] },
      'ben@acme.example': { roles: ['approver'], teams: ['revops-leads'] },
      'bea@acme.example': { roles: ['approver'], teams: ['support'] },
      'anna@acme.example': { roles: ['approver', 'operator'], teams: ['revops-leads'] },
      'eva@acme.example': { roles: ['auditor'], teams: ['platform'] },
      'ada@acme.example': { roles: ['admin'], teams: ['platform'] },
    },
  },
  policies: { approvals: [], budgets: [], rollout: {} },
};

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** What the issuer publishes. */
export const jwks = {
  keys: [
    { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'rsa', use: 'sig', alg: 'RS256' },
    { ...ec.publicKey.export({ format: 'jwk' }), kid: 'ec', use: 'sig', alg: 'ES256' },
  ],
};

const keys = { rsa: rsa.privateKey, ec: ec.privateKey, stranger: stranger.privateKey } as const;

/** Signs a token of a person; `claims` and `header` replace what a right one would say, undefined leaves a claim out. */
export function operatorToken(
  person: string,
  claims: Readonly<Record<string, unknown>> = {},
  { key = 'rsa', ...header }: { key?: keyof typeof keys } & Readonly<Record<string, unknown>> = {},
): string {
  const now = testNowMs / 1000;
  const alg = key === 'ec' ? 'ES256' : 'RS256';
  const head = { alg, kid: key === 'stranger' ? 'rsa' : key, typ: 'JWT', ...header };
  const body = {
    iss: issuer,
    client_id: audience,
    token_use: 'access',
    sub: `sub-${person}`,
    email: person,
    email_verified: true,
    iat: now - 10,
    exp: now + 3600,
    ...claims,
  };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part(head)}.${part(body)}`;
  const options = key === 'ec' ? { key: keys[key], dsaEncoding: 'ieee-p1363' as const } : keys[key];
  return `${signed}.${sign('sha256', Buffer.from(signed), options).toString('base64url')}`;
}

/** The operator door over stores in memory. `decided` is what was asked of the kernel; `sent` what went to the inbox. */
export function operatorWorld() {
  const clock = fixedClock(testNowMs);
  const records = new Map<string, ActionRecord>();
  const decided: unknown[] = [];
  const sent: InboxMessage[] = [];
  const keySet = emptyKeySet();
  const done = (asked: { actionId: string }) => {
    decided.push(asked);
    const record = [...records.values()].find((one) => actionId(one.key, one.gen) === asked.actionId);
    return record ? { kind: 'done' as const, record } : { kind: 'refused' as const, detail: 'gone' };
  };
  const actions: ActionDesk = {
    get: async (key) => records.get(key) ?? null,
    due: async () => [],
    dueShards: 8,
    decide: async (input) => done(input),
    settle: async (input) => done(input),
    cancel: async (input) => done(input),
  };
  const stores = {
    cases: memoryCaseStore(),
    ledger: memoryLedgerStore(),
    payloads: memoryPayloadStore(),
    control: memoryControlStore(),
    keys: memoryApiKeyStore(),
    tokens: memoryTokenStore(),
    credentials: memoryCredentialStore(),
    inbox: memoryInboxStore(),
  };
  const auth = { issuer, audience, owners: operatorConfig.owners, clock, keySet, fetchJson: async () => jwks };
  const deps: OperatorApiDeps = {
    ...stores,
    config: operatorConfig,
    authenticate: (authorization) => authenticateOperator(auth, authorization),
    actions,
    breakers: async () => ({ hubspot: { kind: 'closed', failures: 0 } }),
    events: { send: async (messages) => void sent.push(...messages) },
    clock,
    random: systemRandom,
    log: silentLog,
    console: { files: new Map([['index.html', '<!doctype html>']]), issuer, client: audience },
  };
  const ask = async (
    authorization: string | undefined,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) => {
    const url = new URL(path, 'http://door');
    const given = { ...(authorization === undefined ? {} : { authorization }), 'content-type': 'application/json' };
    const reply = await answerOperator(deps, {
      method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { ...given, ...headers },
      body: typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body),
      requestId: 'req_1',
    });
    const isJson = reply.headers['content-type']?.includes('json') ?? false;
    return { status: reply.statusCode, headers: reply.headers, body: isJson ? JSON.parse(reply.body) : reply.body };
  };
  const as = (person: string) => `Bearer ${operatorToken(`${person}@acme.example`)}`;
  return { ...stores, deps, clock, records, decided, sent, ask, as };
}
