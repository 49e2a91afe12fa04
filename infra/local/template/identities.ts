import { localAccount, localRegion } from '../aws/callers.ts';
import { secretArn } from '../aws/secrets.ts';
import { queueArn } from '../aws/sqs-store.ts';
import type { Resource, StackTemplate } from './cloud-assembly.ts';
import type { LocalIdentity, Resolver } from './intrinsics.ts';

/** What identities need to know of the running stand-ins. */
export type IdentityDeps = { readonly urlOf: (queue: string) => string };

/** What a resource is called on this machine. Names that the template leaves open are made of stack and logical id. */
export function identify(
  deps: IdentityDeps,
  stack: StackTemplate,
  logicalId: string,
  resource: Resource,
  resolver: Resolver,
): LocalIdentity {
  const properties = resource.Properties ?? {};
  const named = (property: string) =>
    properties[property] === undefined ? `${stack.stackName}-${logicalId}` : resolver.text(properties[property]);
  const arn = (service: string, rest: string) => `arn:aws:${service}:${localRegion}:${localAccount}:${rest}`;
  const identity = (ref: string, attributes: Readonly<Record<string, string>>): LocalIdentity => ({
    ref,
    attribute: (name) => (Object.hasOwn(attributes, name) ? attributes[name] : undefined),
  });
  switch (resource.Type) {
    case 'AWS::DynamoDB::GlobalTable':
    case 'AWS::DynamoDB::Table': {
      const table = named('TableName');
      const tableArn = arn('dynamodb', `table/${table}`);
      return identity(table, { Arn: tableArn, StreamArn: `${tableArn}/stream/local` });
    }
    case 'AWS::SQS::Queue': {
      const queue = named('QueueName').slice(-80);
      return identity(deps.urlOf(queue), { Arn: queueArn(queue), QueueName: queue, QueueUrl: deps.urlOf(queue) });
    }
    case 'AWS::S3::Bucket': {
      const bucket = named('BucketName').toLowerCase().slice(0, 63);
      return identity(bucket, { Arn: `arn:aws:s3:::${bucket}` });
    }
    case 'AWS::SecretsManager::Secret': {
      const name = named('Name');
      return identity(secretArn(name), { Id: secretArn(name) });
    }
    case 'AWS::Lambda::Function': {
      const name = named('FunctionName').slice(0, 64);
      return identity(name, { Arn: arn('lambda', `function:${name}`) });
    }
    default:
      return placeholder(stack, logicalId, resource);
  }
}

/** What needs nothing here may still be named by others, in grants and outputs that nobody reads on this machine. */
function placeholder(stack: StackTemplate, logicalId: string, resource: Resource): LocalIdentity {
  const ref = `${stack.stackName}-${logicalId}`;
  const kind = resource.Type.split('::').slice(1).join('/').toLowerCase();
  return { ref, attribute: (name) => `local:${kind}:${ref}:${name}` };
}
