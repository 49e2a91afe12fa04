import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCallers } from '../../infra/local/aws/callers.ts';
import { openSecretFile, type SecretFile } from '../../infra/local/aws/secret-store.ts';
import { serveSecrets } from '../../infra/local/aws/secrets.ts';
import type { Listener } from '../../infra/local/listener.ts';
import { createCredentialSource } from '../../shared/auth/token-source.ts';
import { awsSecretStore, storeSecret } from '../../shared/aws/secret-store.ts';
import { type AuthConfig, systemSchema } from '../../shared/config/schema.ts';
import { loadConnector } from '../../shared/connectors/registry.ts';
import { makeSender } from '../../shared/connectors/send.ts';
import { httpClient } from '../../shared/http/client.ts';
import { systemClock as clock } from '../../shared/model/clock.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { breakerGuard } from '../../shared/resilience/breaker-guard.ts';
import { rateLimiter } from '../../shared/resilience/rate-limit.ts';
import { memoryResilienceStore } from '../kit/memory-resilience-store.ts';

let directory = '';
let file: SecretFile;
let listener: Listener;
let client: SecretsManagerClient;

beforeAll(async () => {
  const callers = createCallers(Buffer.alloc(32, 1));
  directory = mkdtempSync(join(tmpdir(), 'plumbline-rotation-'));
  file = openSecretFile(directory, Buffer.alloc(32, 2), clock);
  listener = await serveSecrets(file, callers);
  client = new SecretsManagerClient({ endpoint: listener.url, credentials: callers.keysOf('agent-door') });
});
afterAll(async () => {
  client.destroy();
  await listener.close();
  file.close();
  rmSync(directory, { recursive: true, force: true });
});

type Kind = { readonly auth: object; readonly isFrom: (request: IncomingMessage, key: string) => boolean };

const header = (request: IncomingMessage, name: string) => String(request.headers[name] ?? '');
const kinds: readonly (readonly [string, Kind])[] = [
  ['bearer', { auth: { grant: 'bearer' }, isFrom: (r, key) => header(r, 'authorization') === `Bearer ${key}` }],
  [
    'a key in a header',
    {
      auth: { grant: 'api_key', header: 'Authorization', prefix: 'token ' },
      isFrom: (r, key) => header(r, 'authorization') === `token ${key}`,
    },
  ],
  [
    'a key in the query',
    {
      auth: { grant: 'api_key', query: 'api_key' },
      isFrom: (r, key) => new URL(r.url ?? '/', 'http://x').searchParams.get('api_key') === key,
    },
  ],
  [
    'Basic',
    {
      auth: { grant: 'basic' },
      isFrom: (r, key) => header(r, 'authorization') === `Basic ${Buffer.from(key).toString('base64')}`,
    },
  ],
  [
    'a signature',
    {
      auth: { grant: 'hmac', header: 'X-Signature', signed: '{method} {path}' },
      isFrom: (r, key) =>
        header(r, 'x-signature') === createHmac('sha256', key).update(`${r.method} ${r.url}`).digest('hex'),
    },
  ],
];

test.each(kinds)(
  'a key that is replaced while 200 calls are under way fails none: %s',
  async (kind, { auth, isFrom }) => {
    const accepted = new Set(['user:old']);
    const refused: string[] = [];
    const server = createServer((request, response) => {
      const ok = [...accepted].some((key) => isFrom(request, key));
      if (!ok) refused.push(request.url ?? '');
      response.writeHead(ok ? 200 : 401, { 'content-type': 'application/json' });
      response.end(ok ? '{}' : '{"status":"error","category":"INVALID_AUTHENTICATION","message":"no"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const name = `plumbline/test/${kind.replaceAll(' ', '-')}`;
    expect(await storeSecret(client, { name, value: 'user:old', versionId: crypto.randomUUID() })).toBe('created');

    const config = systemSchema.parse({
      ...{ connector: 'hubspot', owner: 'revops', account: { portalId: 1, is: 'sandbox' }, apiVersion: '2026-09' },
      auth: { secret: name, ...auth },
      limits: [{ calls: 100_000, per: 'second' }],
    });
    const http = httpClient({ clock, local: true });
    const store = memoryResilienceStore();
    const send = makeSender({
      systems: { crm: config },
      credentials: createCredentialSource({
        systems: { crm: { auth: config.auth as Exclude<AuthConfig, { refresh: string }> } },
        secrets: awsSecretStore(client),
        tokens: { get: async () => null },
        invoker: { refresh: async () => ({ kind: 'busy' }) },
        ...{ clock, log: silentLog },
      }),
      ...{ loadConnector, http, clock, log: silentLog, productionStage: false, localOrigins: { crm: url } },
      breakers: breakerGuard({ store, clock, owner: 'test' }),
      rates: rateLimiter({ store, clock }),
    });
    const call = async () => {
      const spec = { method: 'GET', path: '/things', query: [['a', 'b c']] } as const;
      const result = await send({ system: 'crm', spec, purpose: 'read', deadlineMs: clock.now() + 20_000 });
      return result.kind === 'answer' ? result.answer.status : result.error.code;
    };
    const first = await Promise.all(Array.from({ length: 50 }, call));
    // The new key is stored before the old one ends, which ends it for calls that are already under way.
    accepted.add('user:new');
    const during = Array.from({ length: 100 }, call);
    expect(await storeSecret(client, { name, value: 'user:new', versionId: crypto.randomUUID() })).toBe('replaced');
    accepted.delete('user:old');
    const after = Array.from({ length: 50 }, call);
    const statuses = [...first, ...(await Promise.all([...during, ...after]))];
    expect([statuses.length, new Set(statuses), refused.length > 0]).toEqual([200, new Set([200]), true]);
    http.close();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  },
);

test('a version of a secret that is stored twice is one version', async () => {
  const [name, versionId] = ['plumbline/test/twice', crypto.randomUUID()];
  const one = { name, value: 'x', versionId };
  expect([await storeSecret(client, one), await storeSecret(client, one)]).toEqual(['created', 'replaced']);
  expect(file.versions(name).length).toBe(1);
});
