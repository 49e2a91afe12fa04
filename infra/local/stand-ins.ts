import { CreateTableCommand, DynamoDBClient, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import type { Clock, Random } from '../../shared/model/clock.ts';
import { type Callers, createCallers, localRegion } from './aws/callers.ts';
import { type DynamoProxy, serveDynamo } from './aws/dynamo-proxy.ts';
import { type DynamoServer, startDynamoServer } from './aws/dynamo-server.ts';
import { serveLambda } from './aws/lambda-api.ts';
import { type ObjectFile, openObjectFile, serveS3 } from './aws/s3.ts';
import { openSecretFile, type SecretFile } from './aws/secret-store.ts';
import { serveSecrets } from './aws/secrets.ts';
import { serveSqs } from './aws/sqs.ts';
import { openSqsStore, type SqsStore } from './aws/sqs-store.ts';
import type { FunctionPool } from './lambda/pool.ts';
import type { Listener } from './listener.ts';
import { installKey } from './state-dir.ts';
import type { LocalPlan } from './template/plan.ts';

/** The services of AWS that the product uses, on this machine. */
export type StandIns = {
  readonly callers: Callers;
  readonly queues: SqsStore;
  readonly objects: ObjectFile;
  readonly secrets: SecretFile;
  readonly dynamoServer: DynamoServer;
  readonly dynamo: DynamoProxy;
  readonly queueUrl: (queue: string) => string;
  /** The `AWS_ENDPOINT_URL_*` variables of every function. */
  readonly endpoints: Readonly<Record<string, string>>;
  /** A client of the deployment's own, counted as the caller `deployment`. */
  readonly client: DynamoDBClient;
  /** Creates what the plan asks for and is not there yet. */
  create(plan: LocalPlan): Promise<void>;
  close(): Promise<void>;
};

/** Starts them with their files below `directory`; each takes a free loopback port. */
export async function startStandIns(input: {
  readonly directory: string;
  readonly keysDirectory: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly poolOf: (functionName: string) => FunctionPool | undefined;
}): Promise<StandIns> {
  const { directory, keysDirectory, clock, random } = input;
  const callers = createCallers(installKey(keysDirectory, 'callers', 32, random));
  const queues = openSqsStore(directory, clock);
  const objects = openObjectFile(directory, clock);
  const secrets = openSecretFile(directory, installKey(keysDirectory, 'secrets', 32, random), clock);
  const [dynamoServer, sqs, s3, secretsManager, lambda] = await Promise.all([
    startDynamoServer(directory, clock),
    serveSqs({ store: queues, clock, callers }),
    serveS3(objects, clock, callers),
    serveSecrets(secrets, callers),
    serveLambda(input.poolOf, callers),
  ]);
  const dynamo = await serveDynamo(dynamoServer.endpoint, clock, callers);
  const client = new DynamoDBClient({
    endpoint: dynamo.url,
    region: localRegion,
    credentials: callers.keysOf('deployment'),
  });
  const listeners: readonly Listener[] = [sqs, s3, secretsManager, lambda, dynamo];
  return {
    ...{ callers, queues, objects, secrets, dynamoServer, dynamo, client },
    queueUrl: sqs.urlOf,
    endpoints: {
      AWS_ENDPOINT_URL_DYNAMODB: dynamo.url,
      AWS_ENDPOINT_URL_SQS: sqs.url,
      AWS_ENDPOINT_URL_S3: s3.url,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
      AWS_ENDPOINT_URL_LAMBDA: lambda.url,
    },
    create: (plan) => create({ queues, objects, client }, plan),
    async close() {
      client.destroy();
      await Promise.all(listeners.map((listener) => listener.close()));
      await dynamoServer.stop();
      for (const file of [queues, objects, secrets]) file.close();
    },
  };
}

async function create(
  { queues, objects, client }: { queues: SqsStore; objects: ObjectFile; client: DynamoDBClient },
  plan: LocalPlan,
): Promise<void> {
  for (const { name, attributes } of plan.queues) {
    queues.create(name, attributes);
    queues.setAttributes(name, attributes);
  }
  for (const bucket of plan.buckets) objects.createBucket(bucket);
  await Promise.all(
    plan.tables.map(async ({ create: command, ttlAttribute }) => {
      const made = await client.send(new CreateTableCommand(command)).then(
        () => true,
        (error: Error) => {
          if (error.name === 'ResourceInUseException') return false;
          throw error;
        },
      );
      if (!made || ttlAttribute === null || command.TableName === undefined) return;
      const TimeToLiveSpecification = { AttributeName: ttlAttribute, Enabled: true };
      await client.send(new UpdateTimeToLiveCommand({ TableName: command.TableName, TimeToLiveSpecification }));
    }),
  );
}
