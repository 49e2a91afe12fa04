import { ArnFormat, CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import * as apigw from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer, HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { tableEnv, tables } from '../../shared/aws/tables.ts';
import type { EnvName } from '../../shared/config/env.ts';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import { DoorApi } from '../constructs/door-api.ts';
import { PlumblineFunction } from '../constructs/plumbline-function.ts';
import { Queues } from '../constructs/queues.ts';
import { everyMinute, fromQueue, fromStream } from '../constructs/sources.ts';
import { type FunctionName, type FunctionSpec, functions } from '../functions.ts';
import { grantsOf } from '../grants.ts';
import type { Settings } from '../settings.ts';
import type { Arns } from '../statements.ts';
import type { StateStack } from './state-stack.ts';

const { GET, POST, ANY } = apigw.HttpMethod;

/** What the agent door answers without IAM; the function authenticates the API key. `/iam` serves the same to SigV4 callers. */
export const agentRoutes = [
  [GET, '/openapi.json'],
  [GET, '/v1/tools'],
  [POST, '/v1/tools/{name}/calls'],
  [GET, '/v1/actions/{id}'],
  [GET, '/v1/runs/{id}'],
] as const;

/** The console's page: it holds no data, every value comes from /v1 with the person's own token. */
const consolePaths = ['/', '/index.html', '/app.js', '/style.css', '/console.json'];

type ServiceProps = StackProps & {
  readonly settings: Settings;
  readonly config: PlumblineConfig;
  readonly state: StateStack;
  readonly bundlesDir: string;
};

/** Everything that can be deleted and deployed again without losing a fact: functions, queues, doors, schedules. */
export class ServiceStack extends Stack {
  readonly functions: Readonly<Record<FunctionName, PlumblineFunction>>;
  readonly queues: Queues;
  readonly agentApi: DoorApi;
  readonly operatorApi: DoorApi;

  constructor(scope: Construct, id: string, props: ServiceProps) {
    super(scope, id, props);
    const workers = functions.filter(({ name }) => name.endsWith('-worker'));
    const workerTimeoutS = Math.max(...workers.map(({ timeoutS }) => timeoutS));
    this.queues = new Queues(this, 'Queues', { key: props.state.key, workerTimeoutS });
    const arns = arnsOf(this, props, this.queues);
    const environment = environmentOf(props, this.queues);
    const make = (spec: FunctionSpec) =>
      new PlumblineFunction(this, pascal(spec.name), {
        spec,
        settings: props.settings,
        bundlesDir: props.bundlesDir,
        environment: pick(environment, spec.env),
        grants: grantsOf(spec.name, arns, props.config),
      });
    const made = functions.map((spec) => [spec.name, make(spec)] as const);
    this.functions = Object.fromEntries(made) as Record<FunctionName, PlumblineFunction>;
    this.connect(props.state);
    this.agentApi = this.makeAgentApi(props.settings);
    this.operatorApi = this.makeOperatorApi(props);
    this.outputs(props.settings);
  }

  /** Everything that calls a function without being answered. */
  private connect(state: StateStack): void {
    const { functions: fns, queues } = this;
    fromQueue(this, 'InboxSource', queues.inbox, fns['event-worker'], 10);
    // Due actions of one operation share requests: as many as the largest of them take.
    fromQueue(this, 'ActionsSource', queues.actions, fns['action-worker'], 100);
    fromQueue(this, 'DeliveriesSource', queues.deliveries, fns['event-delivery'], 10);
    fromQueue(this, 'DeliveriesDeadSource', queues.deliveriesDead, fns['dead-letter'], 10);
    fromQueue(this, 'InboxDeadSource', queues.inboxDead, fns['dead-letter'], 10);
    fromQueue(this, 'ActionsDeadSource', queues.actionsDead, fns['dead-letter'], 10);
    const streamOf = (name: 'actions' | 'ledger') => ({
      streamArn: streamArn(state, name),
      failedBucketArn: state.payloads.bucketArn,
    });
    fromStream(this, 'LedgerStreamSource', streamOf('actions'), fns['ledger-stream']);
    fromStream(this, 'RouterStreamSource', streamOf('actions'), fns['router-stream']);
    fromStream(this, 'LedgerGuardSource', streamOf('ledger'), fns['ledger-guard']);
    everyMinute(this, 'EveryMinute', fns.tick, queues.tickDead);
    everyMinute(this, 'FilesEveryMinute', fns['file-drop'], queues.tickDead);
    everyMinute(this, 'SourcesEveryMinute', fns['source-keeper'], queues.tickDead);
  }

  private makeAgentApi(settings: Settings): DoorApi {
    const iam = new HttpIamAuthorizer();
    const none = new apigw.HttpNoneAuthorizer();
    const open = agentRoutes.map(([method, path]) => ({ method, path, authorizer: none }));
    const signed = { method: ANY, path: '/iam/{proxy+}', authorizer: iam };
    const to = this.functions['agent-door'];
    return new DoorApi(this, 'AgentApi', { name: 'agents', settings, to, routes: [...open, signed] });
  }

  private makeOperatorApi({ settings, state }: ServiceProps): DoorApi {
    const { issuer, audience } = state.operators;
    const authorizer = new HttpJwtAuthorizer('Operators', issuer, { jwtAudience: [audience] });
    const to = this.functions['operator-door'];
    const none = new apigw.HttpNoneAuthorizer();
    const page = consolePaths.map((path) => ({ method: GET, path, authorizer: none }));
    const routes = [...page, { method: ANY, path: '/v1/{proxy+}', authorizer }];
    return new DoorApi(this, 'OperatorApi', { name: 'operators', settings, to, routes });
  }

  private outputs({ webhookPublicUrl }: Settings): void {
    const url = this.functions['webhook-door'].fn.addFunctionUrl({ authType: lambda.FunctionUrlAuthType.NONE });
    // Providers are given this address with a subscription; the door itself needs no value that exists only after it.
    this.functions['source-keeper'].fn.addEnvironment('WEBHOOK_PUBLIC_URL', webhookPublicUrl ?? url.url);
    new CfnOutput(this, 'AgentUrl', { value: this.agentApi.api.apiEndpoint });
    new CfnOutput(this, 'OperatorUrl', { value: this.operatorApi.api.apiEndpoint });
    new CfnOutput(this, 'WebhookUrl', { value: url.url });
  }
}

function pascal(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_match, _dash, letter: string) => letter.toUpperCase());
}

function streamArn(state: StateStack, name: 'actions' | 'ledger'): string {
  const arn = state.tables[name].tableStreamArn;
  if (arn === undefined) throw new Error(`The table ${name} has no stream.`);
  return arn;
}

function arnsOf(stack: Stack, { settings, state }: ServiceProps, queues: Queues): Arns {
  return {
    table: (name) => state.tables[name].tableArn,
    stream: (name) => (name === 'actions' || name === 'ledger' ? streamArn(state, name) : ''),
    payloads: state.payloads.bucketArn,
    key: state.key.keyArn,
    queue: (name) => queues[name].queueArn,
    refreshFunction: stack.formatArn({
      service: 'lambda',
      resource: 'function',
      resourceName: refreshName(settings),
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    }),
    secret: (name) =>
      stack.formatArn({
        service: 'secretsmanager',
        resource: 'secret',
        resourceName: `${name}-??????`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
    viaService: (service) => `${service}.${stack.region}.amazonaws.com`,
  };
}

function environmentOf({ settings, state }: ServiceProps, queues: Queues): Readonly<Partial<Record<EnvName, string>>> {
  return {
    ...Object.fromEntries(tables.map(({ name }) => [tableEnv[name], state.tables[name].tableName])),
    PAYLOAD_BUCKET: state.payloads.bucketName,
    QUEUE_INBOX_URL: queues.inbox.queueUrl,
    QUEUE_ACTIONS_URL: queues.actions.queueUrl,
    QUEUE_DELIVERIES_URL: queues.deliveries.queueUrl,
    REFRESH_FUNCTION: refreshName(settings),
    OPERATOR_ISSUER: state.operators.issuer,
    OPERATOR_AUDIENCE: state.operators.audience,
    ...(settings.webhookPublicUrl === undefined ? {} : { WEBHOOK_PUBLIC_URL: settings.webhookPublicUrl }),
  };
}

function refreshName({ stage }: Settings): string {
  return `plumbline-${stage}-token-refresh`;
}

function pick(all: Readonly<Partial<Record<EnvName, string>>>, names: readonly EnvName[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])));
}
