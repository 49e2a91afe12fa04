import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The one function of the tiny app: answers what it is asked to do by the path or by the record. */
const bundle = `
import { appendFileSync } from 'node:fs';
const seen = new Map();
export async function handler(event, context) {
  if (event.rawPath === '/v1/slow') await new Promise(() => {});
  if (event.rawPath === '/v1/exit') process.exit(3);
  if (event.rawPath === '/v1/throw') throw new Error('asked to');
  if (event.rawPath) return { statusCode: 200, headers: { 'X-Pid': String(process.pid) }, cookies: ['a=1', 'b=2'], body: JSON.stringify(event) };
  const bad = [];
  for (const record of event.Records ?? []) {
    const text = record.body ?? record.dynamodb?.NewImage?.pk?.S ?? '';
    const id = record.messageId ?? record.dynamodb.SequenceNumber;
    appendFileSync(process.env.SEEN_FILE, text + '\\n');
    if (text.startsWith('bad')) bad.push({ itemIdentifier: id });
  }
  if (event.ticked) appendFileSync(process.env.SEEN_FILE, 'tick ' + context.functionName + '\\n');
  return { batchItemFailures: bad };
}
`;

const config = {
  version: 'tiny',
  systems: {},
  agents: {},
  owners: { teams: {}, people: { 'dev@acme.example': { roles: ['admin'], teams: [] } } },
  policies: {},
};

/** Writes a synthesised app with one function behind every kind of source, as the CDK would write it. @param seenFile where the function notes what it got */
export function writeTinyApp(directory: string, seenFile: string): void {
  mkdirSync(join(directory, 'asset.one'), { recursive: true });
  writeFileSync(join(directory, 'asset.one', 'index.mjs'), bundle);
  writeFileSync(join(directory, 'asset.one', 'config.json'), JSON.stringify(config));
  const json = (name: string, value: unknown) => writeFileSync(join(directory, name), JSON.stringify(value));
  const artifact = (name: string, dependencies: string[]) => ({
    type: 'aws:cloudformation:stack',
    properties: { templateFile: `${name}.template.json`, stackName: `tiny-${name}` },
    dependencies,
  });
  json('manifest.json', {
    version: '1',
    artifacts: { service: artifact('service', ['state']), state: artifact('state', []) },
  });
  json('service.assets.json', { files: { one: { source: { path: 'asset.one', packaging: 'zip' } } } });
  json('state.template.json', { Resources: stateResources, Outputs: stateOutputs });
  json('service.template.json', { Resources: serviceResources(seenFile) });
}

const table = (stream: boolean) => ({
  Type: 'AWS::DynamoDB::GlobalTable',
  Properties: {
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
    ...(stream ? { StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' } } : {}),
    Replicas: [{ Region: { Ref: 'AWS::Region' } }],
  },
});

const stateResources = {
  Actions: table(true),
  State: table(false),
  Control: table(false),
  Payloads: { Type: 'AWS::S3::Bucket' },
  Key: { Type: 'AWS::KMS::Key' },
};

const stateOutputs = {
  StateName: { Value: { Ref: 'State' } },
  Stream: { Value: { 'Fn::GetAtt': ['Actions', 'StreamArn'] }, Export: { Name: 'tiny-stream' } },
};

const fromState = (OutputName: string) => ({ 'Fn::GetStackOutput': { StackName: 'tiny-state', OutputName } });
const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const reports = { FunctionResponseTypes: ['ReportBatchItemFailures'], FunctionName: { Ref: 'One' } };

function serviceResources(seenFile: string): object {
  const route = (RouteKey: string, more: object) => ({
    Type: 'AWS::ApiGatewayV2::Route',
    Properties: {
      ApiId: { Ref: 'Api' },
      RouteKey,
      Target: { 'Fn::Join': ['', ['integrations/', { Ref: 'Integration' }]] },
      ...more,
    },
  });
  return {
    Dead: { Type: 'AWS::SQS::Queue' },
    Work: {
      Type: 'AWS::SQS::Queue',
      Properties: { VisibilityTimeout: 1, RedrivePolicy: { deadLetterTargetArn: arnOf('Dead'), maxReceiveCount: 2 } },
    },
    One: {
      Type: 'AWS::Lambda::Function',
      Metadata: { 'plumbline:function': 'one' },
      Properties: {
        FunctionName: 'tiny-one',
        Code: { S3Bucket: { 'Fn::Sub': `assets-\${AWS::Region}` }, S3Key: 'one.zip' },
        Handler: 'index.handler',
        Timeout: 1,
        Environment: {
          Variables: { SEEN_FILE: seenFile, TABLE_STATE: fromState('StateName'), TABLE_CONTROL: 'tiny-state-Control' },
        },
      },
    },
    WorkSource: { Type: 'AWS::Lambda::EventSourceMapping', Properties: { ...reports, EventSourceArn: arnOf('Work') } },
    StreamSource: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        ...reports,
        EventSourceArn: { 'Fn::ImportValue': 'tiny-stream' },
        BisectBatchOnFunctionError: true,
        MaximumRetryAttempts: 1,
        DestinationConfig: { OnFailure: { Destination: 'arn:aws:s3:::tiny-state-payloads' } },
      },
    },
    EveryMinute: {
      Type: 'AWS::Scheduler::Schedule',
      Properties: { ScheduleExpression: 'rate(1 minute)', Target: { Arn: arnOf('One'), Input: '{"ticked":true}' } },
    },
    Url: { Type: 'AWS::Lambda::Url', Properties: { TargetFunctionArn: arnOf('One') } },
    Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'tiny-agents' } },
    Integration: { Type: 'AWS::ApiGatewayV2::Integration', Properties: { IntegrationUri: arnOf('One') } },
    Operators: {
      Type: 'AWS::ApiGatewayV2::Authorizer',
      Properties: { JwtConfiguration: { Audience: ['plumbline-local'], Issuer: 'http://127.0.0.1:4103' } },
    },
    Open: route('GET /v1/{name}', { AuthorizationType: 'NONE' }),
    Signed: route('ANY /iam/{proxy+}', { AuthorizationType: 'AWS_IAM' }),
    People: route('GET /people/me', { AuthorizationType: 'JWT', AuthorizerId: { Ref: 'Operators' } }),
  };
}
