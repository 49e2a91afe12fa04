import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import type { Resource, StackTemplate } from './cloud-assembly.ts';
import type { LocalIdentity, Resolver } from './intrinsics.ts';
import type { FunctionPlan, LocalPlan, RouteAuth, RoutePlan, SchedulePlan, SourcePlan } from './plan.ts';

/** One stack with what resolves it. */
export type Reading = {
  readonly stack: StackTemplate;
  readonly resolver: Resolver;
  identityOf(logicalId: string): LocalIdentity;
};

/** One resource and where it stands. */
export type Found = { readonly reading: Reading; readonly logicalId: string; readonly resource: Resource };

type Properties = Readonly<Record<string, unknown>>;

function propertiesOf({ reading, resource }: Found): Properties {
  return (reading.resolver.resolve(resource.Properties ?? {}) ?? {}) as Properties;
}

/** A table with its indexes, stream and expiry attribute. */
export function tableOf(found: Found): LocalPlan['tables'][number] {
  const properties = propertiesOf(found);
  const stream = properties['StreamSpecification'] as { StreamViewType: string } | undefined;
  const indexes = properties['GlobalSecondaryIndexes'] as CreateTableCommandInput['GlobalSecondaryIndexes'];
  const ttl = properties['TimeToLiveSpecification'] as { AttributeName: string; Enabled: boolean } | undefined;
  const create = {
    TableName: found.reading.identityOf(found.logicalId).ref,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: properties['AttributeDefinitions'],
    KeySchema: properties['KeySchema'],
    ...(indexes === undefined
      ? {}
      : {
          GlobalSecondaryIndexes: indexes.map(({ IndexName, KeySchema, Projection }) => ({
            IndexName,
            KeySchema,
            Projection,
          })),
        }),
    ...(stream === undefined
      ? {}
      : { StreamSpecification: { StreamEnabled: true, StreamViewType: stream.StreamViewType } }),
  } as CreateTableCommandInput;
  return { create, ttlAttribute: ttl?.Enabled ? ttl.AttributeName : null };
}

/** A queue with the attributes that change how it behaves. */
export function queueOf(found: Found): LocalPlan['queues'][number] {
  const properties = propertiesOf(found);
  if (properties['FifoQueue']) throw new Error(`${found.logicalId}: the local SQS has standard queues only.`);
  const names = ['VisibilityTimeout', 'DelaySeconds', 'MessageRetentionPeriod', 'ReceiveMessageWaitTimeSeconds'];
  const plain = names.flatMap((name) =>
    properties[name] === undefined ? [] : [[name, String(properties[name])] as const],
  );
  const redrive = properties['RedrivePolicy'];
  const policy = redrive === undefined ? [] : [['RedrivePolicy', JSON.stringify(redrive)] as const];
  const name = found.reading.identityOf(found.logicalId).attribute('QueueName') ?? '';
  return { name, attributes: Object.fromEntries([...plain, ...policy]) };
}

/** A function: where its bundle stands and how it runs. */
export function functionOf(found: Found): FunctionPlan {
  const { reading, logicalId, resource } = found;
  const properties = propertiesOf(found);
  const key = String((properties['Code'] as Properties | undefined)?.['S3Key'] ?? '');
  const directory = reading.stack.assets[key.replace(/\.zip$/, '')];
  if (directory === undefined) throw new Error(`${logicalId}: its code is no file asset of this app.`);
  const functionName = reading.identityOf(logicalId).ref;
  const variables = (properties['Environment'] as { Variables?: Record<string, string> } | undefined)?.Variables ?? {};
  const path = reading.stack.paths[logicalId]?.split('/')[0];
  return {
    functionName,
    name: String(resource.Metadata?.['plumbline:function'] ?? path ?? functionName),
    directory,
    handler: String(properties['Handler']),
    environment: variables,
    timeoutMs: Number(properties['Timeout'] ?? 3) * 1000,
    memoryMb: Number(properties['MemorySize'] ?? 128),
  };
}

/** A queue or a stream that calls a function. */
export function sourceOf(found: Found): SourcePlan {
  const properties = propertiesOf(found);
  const arn = String(properties['EventSourceArn']);
  const functionName = lastOf(String(properties['FunctionName']));
  const reports =
    (properties['FunctionResponseTypes'] as string[] | undefined)?.includes('ReportBatchItemFailures') ?? false;
  const common = { id: found.logicalId, functionName, reportsItems: reports };
  if (arn.startsWith('arn:aws:sqs:')) {
    return { ...common, kind: 'queue', queue: lastOf(arn), batchSize: Number(properties['BatchSize'] ?? 10) };
  }
  const table = /:table\/([^/]+)\/stream\//.exec(arn)?.[1];
  if (table === undefined) throw new Error(`${found.logicalId}: the local target does not know the source ${arn}.`);
  const age = Number(properties['MaximumRecordAgeInSeconds'] ?? -1);
  const onFailure = properties['DestinationConfig'] as { OnFailure?: { Destination?: string } } | undefined;
  return {
    ...common,
    kind: 'stream',
    table,
    batchSize: Number(properties['BatchSize'] ?? 100),
    bisects: properties['BisectBatchOnFunctionError'] === true,
    maxRetries: Number(properties['MaximumRetryAttempts'] ?? -1),
    maxAgeMs: age < 0 ? null : age * 1000,
    failedBucket: /^arn:aws:s3:::(.+)$/.exec(onFailure?.OnFailure?.Destination ?? '')?.[1] ?? null,
  };
}

/** A route of an HTTP API with the function behind it. */
export function routeOf(found: Found): RoutePlan {
  const properties = propertiesOf(found);
  const [method = '', path = ''] = String(properties['RouteKey']).split(' ');
  const integration = referenced(found, 'Target', 'AWS::ApiGatewayV2::Integration');
  const uri = found.reading.resolver.text(integration['IntegrationUri']);
  const functionName = /:function:([A-Za-z0-9_-]+)/.exec(uri)?.[1] ?? '';
  const common = { functionName, auth: authOf(found, properties) };
  return path === '' ? { ...common, method: 'ANY', path: '$default' } : { ...common, method, path };
}

function authOf(found: Found, properties: Properties): RouteAuth {
  const type = String(properties['AuthorizationType'] ?? 'NONE');
  if (type === 'NONE') return 'none';
  if (type === 'AWS_IAM') return 'iam';
  if (type !== 'JWT') throw new Error(`${found.logicalId}: the local target does not know the authorizer ${type}.`);
  const authorizer = referenced(found, 'AuthorizerId', 'AWS::ApiGatewayV2::Authorizer');
  const jwt = found.reading.resolver.resolve(authorizer['JwtConfiguration']) as { Audience?: string[] } | undefined;
  return { audiences: jwt?.Audience ?? [], scopes: (properties['AuthorizationScopes'] as string[] | undefined) ?? [] };
}

/** The properties of the resource of a type whose reference stands in a property. */
function referenced({ reading, logicalId, resource }: Found, property: string, type: string): Properties {
  const text = reading.resolver.text(resource.Properties?.[property]);
  const entry = Object.entries(reading.stack.resources).find(
    ([id, other]) => other.Type === type && text.split('/').includes(reading.identityOf(id).ref),
  );
  if (entry === undefined) throw new Error(`${logicalId}: ${property} names no ${type}.`);
  return entry[1].Properties ?? {};
}

/** A schedule in the form `rate(n unit)`. */
export function scheduleOf(found: Found): SchedulePlan {
  const properties = propertiesOf(found);
  const expression = String(properties['ScheduleExpression']);
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression);
  if (!rate) throw new Error(`${found.logicalId}: the local target does not know the schedule ${expression}.`);
  const unitMs = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }[rate[2] ?? ''] ?? 60_000;
  const target = properties['Target'] as { Arn: string; Input?: string; DeadLetterConfig?: { Arn?: string } };
  const dead = target.DeadLetterConfig?.Arn;
  return {
    id: found.logicalId,
    everyMs: Number(rate[1]) * unitMs,
    functionName: lastOf(target.Arn),
    input: JSON.parse(target.Input ?? '{}') as unknown,
    deadQueue: dead === undefined ? null : lastOf(dead),
  };
}

function lastOf(arn: string): string {
  return arn.split(':').at(-1) ?? arn;
}
