import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { PlumblineFunction } from './plumbline-function.ts';

/** Hours a failing stream record is tried before it goes to the bucket: a fault of an evening is repaired by then. */
const streamRecordAgeS = 6 * 3600;

/** Delivers a queue to a function, message by message: one that fails comes back alone. */
export function fromQueue(scope: Construct, id: string, queue: IQueue, to: PlumblineFunction, batchSize: number): void {
  new lambda.CfnEventSourceMapping(scope, id, {
    eventSourceArn: queue.queueArn,
    functionName: to.fn.functionArn,
    batchSize,
    // Lambda asks for it above ten; a message waits that long at most for others to go with it.
    ...(batchSize > 10 ? { maximumBatchingWindowInSeconds: 1 } : {}),
    functionResponseTypes: ['ReportBatchItemFailures'],
    // A burst waits in the queue, not as throttled invocations that spend deliveries.
    scalingConfig: { maximumConcurrency: 20 },
  });
}

/**
 * Delivers a table's stream to a function: a failing batch is halved until the record stands alone, tried for six hours at
 * most, and then kept in the payload bucket.
 */
export function fromStream(
  scope: Construct,
  id: string,
  source: { readonly streamArn: string; readonly failedBucketArn: string },
  to: PlumblineFunction,
): void {
  new lambda.CfnEventSourceMapping(scope, id, {
    eventSourceArn: source.streamArn,
    functionName: to.fn.functionArn,
    startingPosition: 'TRIM_HORIZON',
    batchSize: 100,
    bisectBatchOnFunctionError: true,
    maximumRetryAttempts: 100,
    maximumRecordAgeInSeconds: streamRecordAgeS,
    functionResponseTypes: ['ReportBatchItemFailures'],
    destinationConfig: { onFailure: { destination: source.failedBucketArn } },
  });
}

/** Starts a function every minute. What could not be started or failed goes to `dead`; nothing is tried twice. */
export function everyMinute(scope: Construct, id: string, to: PlumblineFunction, dead: IQueue): void {
  const role = new iam.Role(scope, `${id}Role`, {
    assumedBy: new iam.ServicePrincipal('scheduler.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
    }),
  });
  const cfnRole = role.node.defaultChild as iam.CfnRole;
  const statement = (action: string, resource: string) =>
    new iam.PolicyStatement({ actions: [action], resources: [resource] });
  const key = dead.encryptionMasterKey;
  const statements = [
    statement('lambda:InvokeFunction', to.fn.functionArn),
    statement('sqs:SendMessage', dead.queueArn),
    ...(key ? [statement('kms:Decrypt', key.keyArn), statement('kms:GenerateDataKey', key.keyArn)] : []),
  ];
  cfnRole.policies = [{ policyName: 'start', policyDocument: new iam.PolicyDocument({ statements }) }];
  new scheduler.CfnSchedule(scope, id, {
    scheduleExpression: 'rate(1 minute)',
    flexibleTimeWindow: { mode: 'OFF' },
    target: {
      arn: to.fn.functionArn,
      roleArn: role.roleArn,
      input: '{}',
      deadLetterConfig: { arn: dead.queueArn },
      retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
    },
  });
  new lambda.CfnEventInvokeConfig(scope, `${id}Invoke`, {
    functionName: to.fn.functionName,
    qualifier: '$LATEST',
    maximumRetryAttempts: 0,
    maximumEventAgeInSeconds: 60,
    destinationConfig: { onFailure: { destination: dead.queueArn } },
  });
}
