import { type Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { ServiceStack } from './stacks/service-stack.ts';
import type { StateStack } from './stacks/state-stack.ts';

/** Tells cdk-nag which of its findings are meant, each with its reason. Everything else it finds fails the synthesis. */
export function acknowledge({ state, service }: { readonly state: StateStack; readonly service: ServiceStack }): void {
  mean(
    state,
    'COG8',
    'The plus plan costs per user and adds risk scores; operators are few, made by an administrator, and sign in with a second factor.',
  );
  mean(
    service.queues.tickDead,
    'SQS3',
    'It is the dead-letter queue of the schedule and of the invocations it makes; an alarm watches it.',
  );
  mean(
    service.agentApi,
    'APIG4',
    'Agents send API keys of ours, which the function checks before anything else; /iam has the IAM authorizer.',
  );
  mean(
    service.operatorApi,
    'APIG4',
    'The files of the console hold no data and are served to anyone; everything under /v1 has the JWT authorizer.',
  );
  const payloads = importName(service, state.exportValue(state.payloads.bucketArn));
  mean(
    service,
    `IAM5[Resource::${payloads}/sha256/*]`,
    'Payload objects are named by the hash of their content, so their keys cannot be listed beforehand.',
  );
  mean(
    service,
    `IAM5[Resource::${payloads}/files/*]`,
    'People name the files that they drop; the function that reads them may read nothing else of the bucket.',
  );
  mean(
    service,
    `IAM5[Resource::${payloads}/aws/lambda/*]`,
    'Lambda itself names the objects in which it keeps stream records that failed for good.',
  );
}

function mean(where: IConstruct, rule: string, reason: string): void {
  Validations.of(where).acknowledge({ id: `AwsSolutions::AwsSolutions-${rule}`, reason });
}

// cdk-nag names a resource of another stack by the name of the export that carries it.
function importName(stack: Stack, token: unknown): string {
  return String((stack.resolve(token) as { 'Fn::ImportValue'?: string })['Fn::ImportValue']);
}
