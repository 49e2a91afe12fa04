import { describe, expect, test } from 'vitest';
import { functions } from '../../infra/functions.ts';
import { tables } from '../../shared/aws/tables.ts';
import { readable, resourcesOf, templatesOf } from '../kit/templates.ts';

const templates = templatesOf('dev');
const { state, service, ops } = templates;

type Made = { readonly id: string; readonly [property: string]: unknown };

function properties(template: typeof service, type: string): readonly Made[] {
  return resourcesOf(template, type).map(([id, { Properties }]) => ({ ...Properties, id }));
}

describe('retained state', () => {
  test('logical ids of state never change', async () => {
    const ids = Object.entries(state.Resources).map(([id, { Type }]) => `${id} ${Type}`);
    await expect(`${ids.sort().join('\n')}\n`).toMatchFileSnapshot('./snapshots/state-ids.txt');
  });

  test('every table of the product is made, with its indexes, stream and expiry', () => {
    const made = properties(state, 'AWS::DynamoDB::GlobalTable').map((table) => ({
      table: table.id.replace(/Table[0-9A-F]{8}$/, '').toLowerCase(),
      indexes: ((table.GlobalSecondaryIndexes ?? []) as { IndexName: string }[]).map(({ IndexName }) => IndexName),
      stream: table.StreamSpecification !== undefined,
      ttl: table.TimeToLiveSpecification !== undefined,
    }));
    const specified = tables.map(({ name, indexes, stream, ttl }) => ({
      ...{ table: name, indexes: indexes.map((index) => index.name), stream, ttl },
    }));
    expect(made).toEqual(specified);
  });

  test.each(tables.map(({ name }) => name))('the table %s can be restored, cannot be deleted, has our key', (name) => {
    const id = `${name.charAt(0).toUpperCase()}${name.slice(1)}Table`;
    const [, table] =
      resourcesOf(state, 'AWS::DynamoDB::GlobalTable').find(([one]) => one.replace(/[0-9A-F]{8}$/, '') === id) ?? [];
    expect(table).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
        Replicas: [
          { DeletionProtectionEnabled: true, PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } },
        ],
      },
    });
  });

  test('nothing of state is deleted with its stack, but rules about it', () => {
    const deletable = Object.values(state.Resources)
      .filter((resource) => (resource as { DeletionPolicy?: string }).DeletionPolicy !== 'Retain')
      .map(({ Type }) => Type);
    expect([...new Set(deletable)]).toEqual(['AWS::S3::BucketPolicy']);
  });

  test('payloads are kept for 400 days, versioned, private', () => {
    const bucket = properties(state, 'AWS::S3::Bucket').find(({ id }) => id.startsWith('PayloadsC'));
    expect(bucket).toMatchObject({
      VersioningConfiguration: { Status: 'Enabled' },
      PublicAccessBlockConfiguration: {
        ...{ BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true },
      },
      LifecycleConfiguration: {
        Rules: [{ Id: 'evidence', ExpirationInDays: 400 }, { Id: 'delete-markers' }],
      },
    });
  });

  test('buckets refuse requests without TLS', () => {
    const policies = properties(state, 'AWS::S3::BucketPolicy').map(({ PolicyDocument }) => PolicyDocument);
    expect(policies).toHaveLength(properties(state, 'AWS::S3::Bucket').length);
    for (const policy of policies) {
      expect((policy as { Statement: unknown[] }).Statement).toContainEqual(
        expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      );
    }
  });

  test('no template holds a secret', () => {
    const types = [state, service, ops].flatMap(({ Resources }) => Object.values(Resources).map(({ Type }) => Type));
    expect(types.filter((type) => type.startsWith('AWS::SecretsManager'))).toEqual([]);
  });
});

describe('everything asynchronous has an end', () => {
  const queues = properties(service, 'AWS::SQS::Queue');
  const mappings = properties(service, 'AWS::Lambda::EventSourceMapping') as unknown as {
    id: string;
    EventSourceArn: unknown;
    FunctionName: unknown;
    FunctionResponseTypes: string[];
    BisectBatchOnFunctionError?: boolean;
    MaximumRetryAttempts?: number;
    MaximumRecordAgeInSeconds?: number;
    DestinationConfig?: { OnFailure: { Destination: unknown } };
  }[];

  test('work queues have a dead-letter queue and hide a message for six times the timeout of their worker', () => {
    const work = queues.filter(({ id }) => !/Dead/.test(id));
    expect(work).toHaveLength(3);
    const longestS = Math.max(...functions.filter(({ name }) => name.endsWith('-worker')).map((one) => one.timeoutS));
    for (const queue of work) {
      // An event waits for its system for a day, and for its subscriber as long as the queue keeps it.
      const maxReceiveCount = /Deliveries/.test(queue.id) ? 1000 : /Inbox/.test(queue.id) ? 100 : 5;
      expect(queue).toMatchObject({ RedrivePolicy: { maxReceiveCount } });
      expect(queue.VisibilityTimeout).toBeGreaterThanOrEqual(6 * longestS);
    }
  });

  test('queues are encrypted with our key', () => {
    for (const queue of queues) expect(queue.KmsMasterKeyId).toBeDefined();
  });

  test('dead-letter queues keep messages for 14 days and are emptied by the dead-letter function', () => {
    const dead = queues.filter(({ id }) => /Dead/.test(id));
    for (const queue of dead) expect(queue.MessageRetentionPeriod).toBe(1_209_600);
    const consumed = mappings
      .filter(({ FunctionName }) => readable(FunctionName, templates) === 'DeadLetterFn.Arn')
      .map(({ EventSourceArn }) => readable(EventSourceArn, templates));
    expect(consumed.sort()).toEqual(['QueuesActionsDead.Arn', 'QueuesDeliveriesDead.Arn', 'QueuesInboxDead.Arn']);
  });

  test('every batch answers message by message', () => {
    expect(mappings).toHaveLength(9);
    for (const mapping of mappings) expect(mapping.FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
  });

  test('streams retry a finite time, narrow a failing batch down, and keep what failed', () => {
    const streams = mappings.filter(({ id }) => /Stream|Guard/.test(id));
    expect(streams).toHaveLength(3);
    for (const stream of streams) {
      expect(stream).toMatchObject({
        ...{ BisectBatchOnFunctionError: true, MaximumRetryAttempts: 100, MaximumRecordAgeInSeconds: 21_600 },
      });
      expect(readable(stream.DestinationConfig?.OnFailure.Destination, templates)).toBe('state.Payloads.Arn');
    }
  });

  test('the tick runs every minute, and one that cannot is kept', () => {
    const [schedule] = properties(service, 'AWS::Scheduler::Schedule');
    expect(schedule).toMatchObject({ ScheduleExpression: 'rate(1 minute)', Target: { DeadLetterConfig: {} } });
    const [invoke] = properties(service, 'AWS::Lambda::EventInvokeConfig');
    expect(invoke).toMatchObject({ MaximumRetryAttempts: 0, DestinationConfig: { OnFailure: {} } });
  });
});

describe('doors', () => {
  const routes = properties(service, 'AWS::ApiGatewayV2::Route');
  const authorized = Object.fromEntries(routes.map((route) => [String(route.RouteKey), route.AuthorizationType]));

  test('agents and operators reach these routes and no other', () => {
    expect(authorized).toEqual({
      'GET /openapi.json': 'NONE',
      'GET /v1/tools': 'NONE',
      'POST /v1/tools/{name}/calls': 'NONE',
      'GET /v1/actions/{id}': 'NONE',
      'GET /v1/runs/{id}': 'NONE',
      'ANY /iam/{proxy+}': 'AWS_IAM',
      'GET /': 'NONE',
      'GET /index.html': 'NONE',
      'GET /app.js': 'NONE',
      'GET /style.css': 'NONE',
      'GET /console.json': 'NONE',
      'ANY /v1/{proxy+}': 'JWT',
    });
  });

  test('both APIs are throttled and logged', () => {
    const stages = properties(service, 'AWS::ApiGatewayV2::Stage');
    expect(stages).toHaveLength(2);
    for (const stage of stages) {
      expect(stage).toMatchObject({
        DefaultRouteSettings: { ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400 },
        AccessLogSettings: { Format: expect.stringContaining('"requestId"') },
      });
    }
  });

  test('only the webhook door has a Function URL', () => {
    const urls = properties(service, 'AWS::Lambda::Url');
    expect(urls.map((url) => readable(url.TargetFunctionArn, templates))).toEqual(['WebhookDoorFn.Arn']);
  });

  test('concurrency is reserved where the stage says so, and nowhere by default', () => {
    const reserved = (made: typeof service) =>
      properties(made, 'AWS::Lambda::Function')
        .filter((fn) => fn.ReservedConcurrentExecutions !== undefined)
        .map((fn) => [fn.id.replace(/Fn[0-9A-F]{8}$/, ''), fn.ReservedConcurrentExecutions]);
    expect(reserved(service)).toEqual([]);
    expect(reserved(templatesOf('dev', { reservedConcurrency: { 'webhook-door': 50 } }).service)).toEqual([
      ['WebhookDoor', 50],
    ]);
  });
});

describe('functions', () => {
  const made = properties(service, 'AWS::Lambda::Function');

  test('every function of the list runs on Node 24 and arm64', () => {
    expect(made).toHaveLength(functions.length);
    for (const fn of made) expect(fn).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] });
  });

  test('every log group ends its lines after a set time', () => {
    const groups = properties(service, 'AWS::Logs::LogGroup');
    expect(groups).toHaveLength(functions.length + 2);
    for (const group of groups) expect(group.RetentionInDays).toBe(90);
  });

  test('no function knows a public address before the first deploy', () => {
    // But for the one that gives providers the address: the template refers it to the Function URL, wherever that comes to be.
    const knowing = made.filter((fn) => JSON.stringify(fn.Environment ?? {}).includes('WEBHOOK_PUBLIC_URL'));
    expect(knowing).toMatchObject([
      {
        FunctionName: 'plumbline-dev-source-keeper',
        Environment: { Variables: { WEBHOOK_PUBLIC_URL: { 'Fn::GetAtt': [expect.any(String), 'FunctionUrl'] } } },
      },
    ]);
    const { service: second } = templatesOf('dev', { webhookPublicUrl: 'https://hooks.acme.example' });
    expect(JSON.stringify(second)).toContain('"WEBHOOK_PUBLIC_URL":"https://hooks.acme.example"');
  });
});

describe('alarms', () => {
  const names = properties(ops, 'AWS::CloudWatch::Alarm').map(({ id }) => id.replace(/[0-9A-F]{8}$/, ''));

  test('everything that can stand still or be lost has one', async () => {
    await expect(`${names.sort().join('\n')}\n`).toMatchFileSnapshot('./snapshots/alarms.txt');
  });

  test('every alarm tells the topic', () => {
    for (const alarm of properties(ops, 'AWS::CloudWatch::Alarm')) {
      expect((alarm.AlarmActions as unknown[]).map((action) => readable(action, templates))).toEqual(['Alarms']);
    }
  });

  test('somebody is mailed where the stage names an address', () => {
    expect(properties(ops, 'AWS::SNS::Subscription')).toEqual([]);
    const { ops: mailed } = templatesOf('dev', { alarmEmail: 'night@acme.example' });
    expect(properties(mailed, 'AWS::SNS::Subscription')).toMatchObject([
      { Protocol: 'email', Endpoint: 'night@acme.example' },
    ]);
  });
});
