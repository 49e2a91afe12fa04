import {
  CreateSecretCommand,
  GetSecretValueCommand,
  InvalidParameterException,
  InvalidRequestException,
  PutSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import type { SecretStore, SecretVersion } from '../auth/ports.ts';
import { requestLimits, storeFault } from './dynamo.ts';

/** The one client of a process. Three attempts: reads are harmless, writes carry their version id; 3 s each. */
export function secretsClient(): SecretsManagerClient {
  return new SecretsManagerClient({ maxAttempts: 3, requestHandler: requestLimits(3_000) });
}

/**
 * Secrets Manager. Reads by stage may be some seconds old; reads by version id are exact. Throws `store_unavailable`.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
 */
export function awsSecretStore(client: SecretsManagerClient): SecretStore {
  const read = async (
    name: string,
    which: { VersionId?: string; VersionStage?: string },
  ): Promise<SecretVersion | null> => {
    try {
      const found = await client.send(new GetSecretValueCommand({ SecretId: name, ...which }));
      if (found.SecretString === undefined || found.VersionId === undefined) return null;
      const created = found.CreatedDate === undefined ? {} : { createdAtMs: found.CreatedDate.getTime() };
      return { value: found.SecretString, versionId: found.VersionId, ...created };
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return null;
      throw storeFault('secret.get', error);
    }
  };
  return {
    get: (name, versionId) => read(name, versionId === undefined ? {} : { VersionId: versionId }),
    async current(name) {
      const [current, previous] = await Promise.all([read(name, {}), read(name, { VersionStage: 'AWSPREVIOUS' })]);
      return [current, previous].filter((version) => version !== null);
    },
    async putPending(name, value, versionId) {
      const stages = { VersionStages: ['AWSPENDING'] };
      try {
        await client.send(
          new PutSecretValueCommand({ SecretId: name, SecretString: value, ClientRequestToken: versionId, ...stages }),
        );
      } catch (error) {
        throw storeFault('secret.put', error);
      }
    },
    promote: (name, toVersionId, fromVersionId) => promote(client, read, { name, toVersionId, fromVersionId }),
  };
}

async function promote(
  client: SecretsManagerClient,
  read: (name: string, which: { VersionStage?: string }) => Promise<SecretVersion | null>,
  move: { name: string; toVersionId: string; fromVersionId: string },
): Promise<'promoted' | 'lost'> {
  const { name, toVersionId, fromVersionId } = move;
  try {
    await client.send(
      new UpdateSecretVersionStageCommand({
        SecretId: name,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: toVersionId,
        RemoveFromVersionId: fromVersionId,
      }),
    );
    return 'promoted';
  } catch (error) {
    const refused = error instanceof InvalidParameterException || error instanceof InvalidRequestException;
    if (!refused) throw storeFault('secret.promote', error);
    // Promoting again what is current already is success: a successor repeats its predecessor's step.
    const current = await read(name, {});
    return current?.versionId === toVersionId ? 'promoted' : 'lost';
  }
}

/**
 * Stores a value as the current version of a secret, which is created where there is none. For a person's command: functions
 * go by {@link awsSecretStore}. Stored twice under one version id it is one version. Throws `store_unavailable`.
 * @param input.versionId 32 to 64 characters
 */
export async function storeSecret(
  client: SecretsManagerClient,
  input: { readonly name: string; readonly value: string; readonly versionId: string },
): Promise<'created' | 'replaced'> {
  const what = { SecretString: input.value, ClientRequestToken: input.versionId };
  try {
    await client.send(new PutSecretValueCommand({ SecretId: input.name, ...what }));
    return 'replaced';
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw storeFault('secret.store', error);
  }
  try {
    await client.send(new CreateSecretCommand({ Name: input.name, ...what }));
    return 'created';
  } catch (error) {
    throw storeFault('secret.store', error);
  }
}
