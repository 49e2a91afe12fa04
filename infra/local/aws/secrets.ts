import type { Listener } from '../listener.ts';
import { type Callers, localAccount, localRegion } from './callers.ts';
import { AwsError, type AwsInput, type AwsOperation, optionalText, serveJson, textOf } from './json-protocol.ts';
import type { SecretFile, StoredVersion } from './secret-store.ts';

/** The ARN of a local secret. */
export function secretArn(name: string): string {
  return `arn:aws:secretsmanager:${localRegion}:${localAccount}:secret:${name}-local1`;
}

/**
 * Serves the secrets of a file to the real Secrets Manager client, on 127.0.0.1. A version's id is its ClientRequestToken.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/
 */
export function serveSecrets(file: SecretFile, callers: Callers, port = 0): Promise<Listener> {
  const operations = operationsOf(file);
  return serveJson({ name: 'secretsmanager', target: 'secretsmanager', version: '1.1', operations }, callers, port);
}

function operationsOf(file: SecretFile): Record<string, AwsOperation> {
  return {
    CreateSecret: (input) => create(file, input),
    GetSecretValue: (input) => read(file, input),
    PutSecretValue: (input) => put(file, input),
    UpdateSecretVersionStage(input) {
      const name = nameOf(file, input);
      const [to, from] = [optionalText(input, 'MoveToVersionId'), optionalText(input, 'RemoveFromVersionId')];
      file.moveStage(name, textOf(input, 'VersionStage'), to, from);
      return { ARN: secretArn(name), Name: name };
    },
    DescribeSecret(input) {
      const name = nameOf(file, input);
      return { ARN: secretArn(name), Name: name, VersionIdsToStages: stagesOf(file.versions(name)) };
    },
    ListSecrets: () => ({ SecretList: file.names().map((name) => ({ ARN: secretArn(name), Name: name })) }),
    DeleteSecret(input) {
      const name = nameOf(file, input);
      if (input['ForceDeleteWithoutRecovery'] !== true) {
        throw new AwsError(
          'InvalidParameterException',
          'Locally a secret is deleted with ForceDeleteWithoutRecovery only.',
        );
      }
      file.remove(name);
      return { ARN: secretArn(name), Name: name };
    },
  };
}

function nameOf(file: SecretFile, input: AwsInput): string {
  const id = textOf(input, 'SecretId');
  const name = /^arn:aws:secretsmanager:[^:]+:[^:]+:secret:(.+?)(-local1)?$/.exec(id)?.[1] ?? id;
  if (!file.exists(name)) {
    throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  }
  return name;
}

function create(file: SecretFile, input: AwsInput): object {
  const name = textOf(input, 'Name');
  const value = optionalText(input, 'SecretString');
  const versionId = optionalText(input, 'ClientRequestToken') ?? crypto.randomUUID();
  const again =
    file.exists(name) && file.versions(name).some((one) => one.versionId === versionId && one.value === value);
  if (file.exists(name) && !again) throw new AwsError('ResourceExistsException', `The secret ${name} already exists.`);
  if (!again) file.create(name);
  if (value === undefined) return { ARN: secretArn(name), Name: name };
  file.put(name, { versionId, value, stages: ['AWSCURRENT'] });
  return { ARN: secretArn(name), Name: name, VersionId: versionId };
}

function read(file: SecretFile, input: AwsInput): object {
  const name = nameOf(file, input);
  const versionId = optionalText(input, 'VersionId');
  const stage = optionalText(input, 'VersionStage') ?? (versionId === undefined ? 'AWSCURRENT' : undefined);
  const version = file
    .versions(name)
    .find(
      (one) => (versionId ?? one.versionId) === one.versionId && (stage === undefined || one.stages.includes(stage)),
    );
  if (version === undefined) {
    const asked = versionId === undefined ? `staging label: ${stage}` : `VersionId: ${versionId}`;
    throw new AwsError(
      'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for ${asked}`,
    );
  }
  return {
    ARN: secretArn(name),
    Name: name,
    VersionId: version.versionId,
    SecretString: version.value,
    VersionStages: version.stages,
    CreatedDate: version.createdMs / 1000,
  };
}

function put(file: SecretFile, input: AwsInput): object {
  const name = nameOf(file, input);
  const versionId = optionalText(input, 'ClientRequestToken') ?? crypto.randomUUID();
  if (versionId.length < 32)
    throw new AwsError('InvalidParameterException', 'ClientRequestToken has 32 characters or more.');
  const asked = input['VersionStages'];
  const stages = Array.isArray(asked) && asked.length > 0 ? asked.map(String) : ['AWSCURRENT'];
  file.put(name, { versionId, value: textOf(input, 'SecretString'), stages });
  const written = file.versions(name).find((one) => one.versionId === versionId);
  return { ARN: secretArn(name), Name: name, VersionId: versionId, VersionStages: written?.stages ?? [] };
}

function stagesOf(versions: readonly StoredVersion[]): Record<string, readonly string[]> {
  const staged = versions.filter((one) => one.stages.length > 0);
  return Object.fromEntries(staged.map((one) => [one.versionId, one.stages]));
}
