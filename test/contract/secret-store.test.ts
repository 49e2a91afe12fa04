import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCallers } from '../../infra/local/aws/callers.ts';
import { openSecretFile } from '../../infra/local/aws/secret-store.ts';
import { serveSecrets } from '../../infra/local/aws/secrets.ts';
import type { SecretStore } from '../../shared/auth/ports.ts';
import { awsSecretStore } from '../../shared/aws/secret-store.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { memorySecretStore } from '../kit/memory-secret-store.ts';

/** A store, how a person creates a secret in it, and its end. */
type Target = {
  store: SecretStore;
  create(name: string, value: string, versionId: string): Promise<void>;
  stop(): Promise<void>;
};

async function inMemory(): Promise<Target> {
  const store = memorySecretStore();
  return {
    store,
    create: async (name, value, versionId) => store.set(name, value, versionId),
    stop: async () => undefined,
  };
}

async function overClient(client: SecretsManagerClient, stop: () => Promise<void>): Promise<Target> {
  return {
    store: awsSecretStore(client),
    async create(name, value, versionId) {
      await client.send(new CreateSecretCommand({ Name: name, SecretString: value, ClientRequestToken: versionId }));
    },
    async stop() {
      client.destroy();
      await stop();
    },
  };
}

async function embedded(): Promise<Target> {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-secrets-'));
  const callers = createCallers(Buffer.alloc(32, 1));
  const file = openSecretFile(directory, Buffer.alloc(32, 2), systemClock);
  const listener = await serveSecrets(file, callers);
  const client = new SecretsManagerClient({ endpoint: listener.url, credentials: callers.keysOf('token-refresh') });
  return overClient(client, async () => {
    await listener.close();
    file.close();
    rmSync(directory, { recursive: true, force: true });
  });
}

const given = (process.env.PLUMBLINE_TEST_SECRETSMANAGER ?? '').split(',').filter((one) => one !== '');
const targets: (readonly [string, () => Promise<Target>])[] = [
  ['memory', inMemory],
  ['the local Secrets Manager', embedded],
  ...given.map((endpoint) => {
    const client = new SecretsManagerClient({ endpoint });
    return [endpoint, () => overClient(client, async () => undefined)] as const;
  }),
];

describe.each(targets)('secrets in %s', (_name, start) => {
  let target: Target;
  let name = '';
  let [first, next, other] = ['', '', ''];
  const made = async () => {
    name = `plumbline/test/${crypto.randomUUID()}`;
    [first, next, other] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
    await target.create(name, 'one', first);
    return target.store;
  };
  beforeAll(async () => {
    target = await start();
  });
  afterAll(() => target.stop());

  it('has nothing of an unknown name', async () => {
    expect(await target.store.get('plumbline/test/nothing')).toBeNull();
  });

  it('has nothing of an unknown version', async () => {
    const store = await made();
    expect(await store.get(name, next)).toBeNull();
  });

  it('keeps a pending version readable by its id and does not make it current', async () => {
    const store = await made();
    await store.putPending(name, 'two', next);
    expect([await store.get(name, next), await store.get(name)]).toMatchObject([
      { value: 'two', versionId: next },
      { value: 'one', versionId: first },
    ]);
  });

  it('takes the same pending version twice', async () => {
    const store = await made();
    await store.putPending(name, 'two', next);
    await store.putPending(name, 'two', next);
    expect(await store.get(name, next)).toMatchObject({ value: 'two', versionId: next });
  });

  it('refuses another value under a version id that is taken', async () => {
    const store = await made();
    await store.putPending(name, 'two', next);
    await expect(store.putPending(name, 'three', next)).rejects.toThrow();
  });

  it('makes a pending version current and keeps the one before', async () => {
    const store = await made();
    await store.putPending(name, 'two', next);
    expect(await store.promote(name, next, first)).toBe('promoted');
    expect((await store.current(name)).map((version) => version.value)).toEqual(['two', 'one']);
  });

  it('takes a promotion twice', async () => {
    const store = await made();
    await store.putPending(name, 'two', next);
    await store.promote(name, next, first);
    expect(await store.promote(name, next, first)).toBe('promoted');
  });

  it('refuses a promotion where another version has become current', async () => {
    const store = await made();
    await store.putPending(name, 'two', next);
    await store.promote(name, next, first);
    await store.putPending(name, 'three', other);
    expect([await store.promote(name, other, first), (await store.get(name))?.value]).toEqual(['lost', 'two']);
  });
});
