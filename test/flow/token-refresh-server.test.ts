import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { askConsent } from '../../infra/connect/consent.ts';
import { firstToken } from '../../infra/connect/first-token.ts';
import { createCallers } from '../../infra/local/aws/callers.ts';
import { openSecretFile, type SecretFile } from '../../infra/local/aws/secret-store.ts';
import { serveSecrets } from '../../infra/local/aws/secrets.ts';
import type { Listener } from '../../infra/local/listener.ts';
import type { RefreshSystem } from '../../shared/auth/refresh.ts';
import { tokenEndpoint } from '../../shared/auth/token-endpoint.ts';
import { leaseMs } from '../../shared/auth/token-record.ts';
import { dynamoCaseStore } from '../../shared/aws/case-store.ts';
import { dynamoTokenStore } from '../../shared/aws/token-store.ts';
import { httpClient } from '../../shared/http/client.ts';
import { systemClock as clock, systemRandom as random } from '../../shared/model/clock.ts';
import { startDynamo, type TestDynamo } from '../kit/dynamo.ts';
import { audience, clientSecrets, consentAt, startOAuthServer } from '../kit/oauth-server.ts';
import type { ChildInput, ChildOrder, ChildReport } from './token-refresh-child.ts';

const child = new URL('./token-refresh-child.ts', import.meta.url).pathname;
const callers = createCallers(Buffer.alloc(32, 1));
const keys = callers.keysOf('token-refresh');

type Server = Awaited<ReturnType<typeof startOAuthServer>>;
type Kind = 'rotating' | 'not rotating' | 'client credentials' | 'client credentials as Basic' | 'assertion';

let dynamo: TestDynamo;
let secrets: SecretFile;
let listener: Listener;
let directory = '';
let server: Server;
const children: ChildProcess[] = [];

beforeAll(async () => {
  // The server says at each start that it is not set up for production.
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  dynamo = await startDynamo();
  directory = mkdtempSync(join(tmpdir(), 'plumbline-oauth-'));
  secrets = openSecretFile(directory, Buffer.alloc(32, 2), clock);
  listener = await serveSecrets(secrets, callers);
});
afterAll(async () => {
  await listener.close();
  secrets.close();
  rmSync(directory, { recursive: true, force: true });
  await dynamo.stop();
});
afterEach(async () => {
  for (const one of children.splice(0)) one.kill('SIGKILL');
  await server.close();
});

const common = { owner: 'revops', tokenUrl: '/token', tokenLifetimeMs: 3_600_000 };
const settingsOf = (kind: Kind, secret: string): RefreshSystem => {
  if (kind === 'rotating') return { ...common, secret, grant: 'refresh_token' };
  if (kind === 'not rotating') return { ...common, secret, grant: 'refresh_token', rotates: false };
  if (kind === 'assertion') return { ...common, secret, grant: 'jwt_bearer', audience };
  const clientAuth = kind === 'client credentials' ? 'body' : 'basic';
  return { ...common, secret, grant: 'client_credentials', clientAuth };
};

/** The secret of a grant; that of a refresh token is got by a person's consent, as `npm run connect` does. */
async function secretOf(kind: Kind, settings: RefreshSystem): Promise<string> {
  if (kind === 'assertion') return JSON.stringify(clientSecrets.asserting);
  if (kind === 'client credentials') return JSON.stringify(clientSecrets.machine);
  if (kind === 'client credentials as Basic') return JSON.stringify(clientSecrets.basic);
  const authorizeUrl = `${server.url}/auth`;
  const consent = await askConsent(
    { random, clock: { sleep: () => new Promise(() => undefined) } },
    {
      ...{ authorizeUrl, clientId: 'app', scopes: ['crm.read'], port: 0 },
      show: (page, redirectUri) => void consentAt(page, redirectUri),
    },
  );
  if (consent.kind !== 'agreed') throw new Error(consent.reason);
  const http = httpClient({ clock, local: true });
  const post = tokenEndpoint({ http, endpointOf: async () => ({ origin: server.url, path: '/token' }) });
  const deps = { post, originOf: async () => server.url, clock };
  const value = JSON.stringify(clientSecrets.app);
  const first = await firstToken(deps, { system: 'crm', settings, value, assertionId: 'x', consent });
  http.close();
  if (first.kind === 'failed') throw new Error(first.why);
  return first.value;
}

let count = 0;

/** A system whose grant is in, and the means to start processes that use it. */
async function house(kind: Kind) {
  server = await startOAuthServer({ rotates: kind !== 'not rotating' });
  count += 1;
  const secret = `plumbline/test/oauth-${count}`;
  const settings = settingsOf(kind, secret);
  secrets.create(secret);
  secrets.put(secret, {
    versionId: crypto.randomUUID(),
    value: await secretOf(kind, settings),
    stages: ['AWSCURRENT'],
  });
  const { client, names } = dynamo;
  const tokens = dynamoTokenStore(client, names.state);
  const cases = dynamoCaseStore({ client, table: names.cases, random });
  const before = await tokens.get('crm');
  if (before !== null) {
    await tokens.write(
      { ...before, current: null, secretVersionId: null, lease: null, health: 'ok', epoch: before.epoch + 1 },
      before.epoch,
    );
  }
  const issuedBefore = server.issued.length;
  const process = async (aheadMs = 0) => {
    const input: ChildInput = {
      ...{ server: server.url, dynamo: dynamo.endpoint, secrets: listener.url, keys, settings, aheadMs },
      tables: { state: names.state, cases: names.cases },
    };
    const made = fork(child, [], { execArgv: [] });
    children.push(made);
    await ask(made, input);
    return made;
  };
  return {
    process,
    tokens,
    issued: () => server.issued.length - issuedBefore,
    openCases: async () =>
      (await cases.list({ state: 'OPEN', cursor: null })).cases.filter((one) => one.system === 'crm'),
    settleAll: () =>
      cases.settle('token-refresh#crm', { by: 'test', atMs: clock.now(), reason: 'test', decision: 'settled' }),
  };
}

function ask(to: ChildProcess, order: ChildInput | ChildOrder): Promise<ChildReport> {
  return new Promise((resolve, reject) => {
    to.once('message', (report) => resolve(report as ChildReport));
    to.once('exit', () => reject(new Error('The process ended.')));
    to.send(order);
  });
}

const kinds: readonly Kind[] = [
  'rotating',
  'not rotating',
  'client credentials',
  'client credentials as Basic',
  'assertion',
];

describe('a real OAuth server', () => {
  it.each(['rotating', 'client credentials', 'assertion'] as const)(
    'issues one token for 1,000 calls of 8 processes at expiry: %s',
    async (kind) => {
      const h = await house(kind);
      const processes = await Promise.all(Array.from({ length: 8 }, () => h.process()));
      expect(await ask(processes[0] as ChildProcess, { do: 'refresh', seenVersion: 0 })).toEqual({ result: 'version' });
      // Each process holds the token when it ends.
      const warm = await Promise.all(processes.map((one) => ask(one, { do: 'calls', count: 1 })));
      expect([warm.map(({ statuses }) => statuses), h.issued()]).toEqual([Array(8).fill([200]), 1]);
      await server.expireAll();
      const reports = await Promise.all(processes.map((one) => ask(one, { do: 'calls', count: 125 })));
      const statuses = reports.flatMap((report) => report.statuses ?? []);
      expect([statuses.length, new Set(statuses), h.issued()]).toEqual([1000, new Set([200]), 2]);
      expect([server.refused, await h.openCases()]).toEqual([[], []]);
    },
    60_000,
  );

  it('issues one token where 8 processes see at once that its time is over', async () => {
    const h = await house('rotating');
    const first = await h.process();
    await ask(first, { do: 'refresh', seenVersion: 0 });
    const late = await Promise.all(Array.from({ length: 8 }, () => h.process(3_600_000)));
    await server.expireAll();
    const reports = await Promise.all(late.map((one) => ask(one, { do: 'calls', count: 125 })));
    const statuses = reports.flatMap((report) => report.statuses ?? []);
    expect([statuses.length, new Set(statuses), h.issued()]).toEqual([1000, new Set([200]), 2]);
  }, 60_000);
});

describe('a refresher that is killed while the server works', () => {
  const matrix = kinds.flatMap((kind) => (['before', 'after'] as const).map((when) => [kind, when] as const));
  const repeatable = matrix.filter(([kind]) => kind !== 'rotating');

  async function kill(kind: Kind, when: 'before' | 'after') {
    const h = await house(kind);
    const victim = await h.process();
    const reached = server.holdNext(when);
    ask(victim, { do: 'refresh', seenVersion: 0 }).catch(() => undefined);
    await reached;
    victim.kill('SIGKILL');
    const successor = await h.process(leaseMs + 1000);
    return { h, successor };
  }

  it.each(repeatable)(
    'loses nothing: %s, killed %s it takes effect',
    async (kind, when) => {
      const { h, successor } = await kill(kind, when);
      expect(await ask(successor, { do: 'refresh', seenVersion: 0 })).toEqual({ result: 'version' });
      expect(await ask(successor, { do: 'calls', count: 1 })).toEqual({ statuses: [200] });
      expect([server.refused, await h.openCases()]).toEqual([[], []]);
    },
    30_000,
  );

  it.each(['before', 'after'] as const)(
    'never presents a rotating refresh token again, and asks a person once: killed %s it takes effect',
    async (when) => {
      const { h, successor } = await kill('rotating', when);
      const results = [];
      for (let tries = 0; tries < 3; tries += 1) {
        results.push((await ask(successor, { do: 'refresh', seenVersion: 0 })).result);
      }
      const cases = await h.openCases();
      expect([results, cases.map(({ reason }) => reason)]).toEqual([
        ['broken', 'broken', 'broken'],
        ['refresh_outcome_unknown'],
      ]);
      // The consent's code, and the one refresh where it took effect: nothing else reached the server.
      expect([server.issued.filter((one) => one === 'refresh_token').length, server.refused]).toEqual([
        when === 'after' ? 1 : 0,
        [],
      ]);
      await h.settleAll();
    },
    30_000,
  );
});
