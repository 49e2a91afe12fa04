import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCallers } from '../../infra/local/aws/callers.ts';
import { openSecretFile } from '../../infra/local/aws/secret-store.ts';
import { serveSecrets } from '../../infra/local/aws/secrets.ts';
import { systemClock } from '../../shared/model/clock.ts';

const directory = mkdtempSync(join(tmpdir(), 'secrets-'));
const callers = createCallers(Buffer.alloc(32, 7));
const first = '1'.repeat(32);
const next = '2'.repeat(32);
let client: SecretsManagerClient;
let stop = async () => {};

beforeAll(async () => {
  const file = openSecretFile(directory, Buffer.alloc(32, 9), systemClock);
  const listener = await serveSecrets(file, callers);
  const credentials = callers.keysOf('tester');
  client = new SecretsManagerClient({ endpoint: listener.url, region: 'eu-central-1', credentials, maxAttempts: 1 });
  stop = async () => {
    client.destroy();
    await listener.close();
    file.close();
  };
});
afterAll(async () => {
  await stop();
  rmSync(directory, { recursive: true });
});

const create = (Name: string) =>
  client.send(new CreateSecretCommand({ Name, SecretString: `${Name} value one`, ClientRequestToken: first }));
const putPending = (SecretId: string, SecretString: string) =>
  client.send(
    new PutSecretValueCommand({ SecretId, SecretString, ClientRequestToken: next, VersionStages: ['AWSPENDING'] }),
  );
const promote = (SecretId: string, from: string) =>
  client.send(
    new UpdateSecretVersionStageCommand({
      SecretId,
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: next,
      RemoveFromVersionId: from,
    }),
  );
const readValue = async (SecretId: string, by: { VersionId?: string; VersionStage?: string } = {}) =>
  (await client.send(new GetSecretValueCommand({ SecretId, ...by }))).SecretString;

describe('the Secrets Manager stand-in, asked by the real client', () => {
  it('keeps a pending version apart from the current one until it is promoted', async () => {
    await create('a');
    await putPending('a', 'two');
    expect(await readValue('a')).toBe('a value one');
    expect(await readValue('a', { VersionId: next })).toBe('two');
    await promote('a', first);
    expect(await readValue('a')).toBe('two');
    expect(await readValue('a', { VersionStage: 'AWSPREVIOUS' })).toBe('a value one');
  });

  it('refuses to promote over another version than the named one', async () => {
    await create('b');
    await putPending('b', 'two');
    await expect(promote('b', '9'.repeat(32))).rejects.toMatchObject({ name: 'InvalidParameterException' });
    expect(await readValue('b')).toBe('b value one');
  });

  it('writes a version once, and refuses its id with another value', async () => {
    await create('c');
    await putPending('c', 'two');
    await expect(putPending('c', 'two')).resolves.toMatchObject({ VersionId: next });
    await expect(putPending('c', 'three')).rejects.toMatchObject({ name: 'ResourceExistsException' });
  });

  it('answers ResourceNotFoundException for an unknown secret and an unknown version', async () => {
    await create('d');
    await expect(readValue('nowhere')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(readValue('d', { VersionId: next })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('writes no value in the clear', async () => {
    await create('hidden-from-the-disk');
    const bytes = ['secrets.sqlite', 'secrets.sqlite-wal'].map((name) => readFileSync(join(directory, name), 'latin1'));
    expect(bytes.join('')).toContain('hidden-from-the-disk');
    expect(bytes.join('')).not.toContain('hidden-from-the-disk value one');
  });
});
