import { indexes, type TableName } from '../shared/aws/tables.ts';
import type { PlumblineConfig } from '../shared/config/schema.ts';
import type { FunctionName } from './functions.ts';

/** ARNs that grants name; tokens of the CDK, or plain text in a test. */
export type Arns = {
  readonly table: (name: TableName) => string;
  readonly stream: (name: TableName) => string;
  readonly payloads: string;
  readonly key: string;
  readonly queue: (name: 'inbox' | 'actions' | 'inboxDead' | 'actionsDead' | 'tickDead') => string;
  readonly refreshFunction: string;
  /** The ARN of a secret by its name; Secrets Manager adds six characters of its own. */
  readonly secret: (name: string) => string;
  /** `dynamodb`, `s3` or `sqs` as KMS names the service that calls it. */
  readonly viaService: (service: KmsService) => string;
};

type KmsService = 'dynamodb' | 's3' | 'sqs';

/** One statement of a function's role. */
export type Grant = {
  readonly sid: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
};

/** Key prefixes of the state table: no role reads or writes an item of another prefix. */
const statePrefixes = {
  tokens: 'token#*',
  agentKeys: 'key#*',
  agentKeyLists: 'keys#*',
  breakers: 'breaker#*',
  rates: 'rate#*',
  budgets: 'budget#*',
  sources: 'source#*',
} as const;

type StatePrefix = keyof typeof statePrefixes;

const dynamo = (action: string) => `dynamodb:${action}`;

/** Whether a secret holds a grant (a refresh token and its client), which only the refresh function may read. */
export function secretNames(config: PlumblineConfig): {
  readonly grants: readonly string[];
  readonly staticKeys: readonly string[];
  readonly webhooks: readonly string[];
} {
  const systems = Object.values(config.systems);
  const named = (names: readonly string[]) => [...new Set(names)].sort();
  return {
    grants: named(systems.flatMap(({ auth }) => (auth.grant === 'bearer' ? [] : [auth.secret]))),
    staticKeys: named(systems.flatMap(({ auth }) => (auth.grant === 'bearer' ? [auth.secret] : []))),
    webhooks: named(systems.flatMap(({ webhooks }) => Object.values(webhooks).map(({ secret }) => secret))),
  };
}

/** A secret that two kinds of reader share would give one of them the other's; the stack refuses it. */
export function sharedSecrets(config: PlumblineConfig): readonly string[] {
  const { grants, staticKeys, webhooks } = secretNames(config);
  return grants.filter((name) => staticKeys.includes(name) || webhooks.includes(name));
}

/**
 * Everything each function may do, in one place: exact actions on exact resources. Each list is a reviewed snapshot in
 * test/infra/snapshots/grants.json; the right to write one's own log stream is added by the construct.
 */
export function grantsOf(name: FunctionName, arns: Arns, config: PlumblineConfig): readonly Grant[] {
  const may = statements(arns);
  const secrets = secretNames(config);
  const roles: Readonly<Record<FunctionName, () => readonly Grant[]>> = {
    'agent-door': () => [
      ...toolCalls(may, secrets.staticKeys),
      may.state('ReadAgentKeys', ['agentKeys'], ['GetItem']),
      // A policy's budget that is used up pauses the agent.
      may.table('Pause', 'control', ['PutItem']),
      may.queries('ledger', [indexes.ledgerByRun, indexes.ledgerByAction]),
      may.kms('dynamodb', 's3', 'sqs'),
    ],
    'webhook-door': () => [
      ...may.secrets('ReadWebhookSecrets', secrets.webhooks, ['GetSecretValue']),
      may.send('inbox'),
      may.payloads('PutObject'),
      may.kms('s3', 'sqs'),
    ],
    'operator-door': () => [
      may.table('Actions', 'actions', ['GetItem', 'PutItem', 'UpdateItem']),
      may.table('Events', 'inbox', ['GetItem']),
      may.table('Ledger', 'ledger', ['GetItem', 'PutItem']),
      may.queries('ledger', ledgerIndexes),
      may.table('Cases', 'cases', ['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem']),
      may.queries('cases', caseIndexes),
      may.table('Control', 'control', ['GetItem', 'PutItem']),
      may.state('AgentKeys', ['agentKeys', 'agentKeyLists'], ['GetItem', 'PutItem']),
      may.state('Health', ['tokens', 'breakers', 'sources'], ['GetItem']),
      may.payloads('GetObject', 'PutObject'),
      may.send('inbox'),
      may.send('actions'),
      may.kms('dynamodb', 's3', 'sqs'),
    ],
    'event-worker': () => [
      ...toolCalls(may, secrets.staticKeys),
      may.table('Claims', 'inbox', ['GetItem', 'PutItem', 'UpdateItem']),
      may.state('Sources', ['sources'], ['GetItem', 'PutItem', 'UpdateItem']),
      may.receive('inbox', ['ChangeMessageVisibility']),
      may.kms('dynamodb', 's3', 'sqs'),
    ],
    'action-worker': () => [
      ...toolCalls(may, secrets.staticKeys),
      may.table('Pause', 'control', ['PutItem']),
      may.queries('ledger', [indexes.ledgerByAction]),
      may.receive('actions', ['ChangeMessageVisibility']),
      may.kms('dynamodb', 's3', 'sqs'),
    ],
    tick: () => [
      may.queries('actions', [indexes.due]),
      may.table('Actions', 'actions', ['GetItem', 'PutItem', 'UpdateItem']),
      may.send('actions'),
      may.table('Cases', 'cases', ['GetItem', 'PutItem', 'UpdateItem']),
      may.queries('cases', [indexes.casesByState]),
      may.table('Ledger', 'ledger', ['PutItem']),
      // The first tick of a new deployment writes the first control item; the write is conditional on there being none.
      may.table('Control', 'control', ['GetItem', 'PutItem']),
      may.state('Watch', ['tokens', 'sources'], ['GetItem']),
      may.refresh(),
      may.send('tickDead'),
      may.kms('dynamodb', 'sqs'),
    ],
    'token-refresh': () => [
      ...may.secrets('RotateGrants', secrets.grants, ['GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage']),
      may.state('Tokens', ['tokens'], ['GetItem', 'PutItem']),
      may.table('Cases', 'cases', ['GetItem', 'PutItem', 'DeleteItem']),
      may.table('Ledger', 'ledger', ['PutItem']),
      may.kms('dynamodb'),
    ],
    'ledger-stream': () => [
      ...may.stream('actions'),
      may.table('Ledger', 'ledger', ['PutItem']),
      may.kms('dynamodb', 's3'),
    ],
    'router-stream': () => [
      ...may.stream('actions'),
      may.table('Cases', 'cases', ['GetItem', 'PutItem', 'DeleteItem']),
      may.table('Ledger', 'ledger', ['PutItem']),
      may.kms('dynamodb', 's3'),
    ],
    'dead-letter': () => [
      may.receive('inboxDead'),
      may.receive('actionsDead'),
      may.payloads('PutObject'),
      may.table('Cases', 'cases', ['GetItem', 'PutItem']),
      may.table('Ledger', 'ledger', ['PutItem']),
      may.kms('dynamodb', 's3', 'sqs'),
    ],
    'ledger-guard': () => [...may.stream('ledger'), may.kms('dynamodb', 's3')],
  };
  return roles[name]();
}

const ledgerIndexes = [
  indexes.ledgerByRun,
  indexes.ledgerByAction,
  indexes.ledgerByRecord,
  indexes.ledgerByPrincipalDay,
  indexes.ledgerByWorkflow,
];
const caseIndexes = [indexes.casesByState, indexes.casesByOwner];

type Statements = ReturnType<typeof statements>;

/** What every function needs that may claim an action or ask a system. */
function toolCalls(may: Statements, staticKeys: readonly string[]): readonly Grant[] {
  return [
    may.table('Actions', 'actions', ['GetItem', 'PutItem', 'UpdateItem']),
    may.table('Ledger', 'ledger', ['GetItem', 'PutItem']),
    may.table('OpenCases', 'cases', ['GetItem', 'PutItem']),
    may.table('ReadControl', 'control', ['GetItem']),
    may.state('ReadTokens', ['tokens'], ['GetItem']),
    may.state('Limits', ['breakers', 'rates', 'budgets'], ['GetItem', 'PutItem', 'UpdateItem']),
    may.payloads('GetObject', 'PutObject'),
    may.send('actions'),
    may.refresh(),
    ...may.secrets('ReadStaticKeys', staticKeys, ['GetSecretValue']),
  ];
}

function statements(arns: Arns) {
  return {
    table: (sid: string, name: TableName, actions: readonly string[]): Grant => ({
      sid,
      actions: actions.map(dynamo),
      resources: [arns.table(name)],
    }),
    queries: (name: TableName, names: readonly string[]): Grant => ({
      sid: `Query${name.charAt(0).toUpperCase()}${name.slice(1)}`,
      actions: [dynamo('Query')],
      resources: names.map((index) => `${arns.table(name)}/index/${index}`),
    }),
    state: (sid: string, prefixes: readonly StatePrefix[], actions: readonly string[]): Grant => ({
      sid,
      actions: actions.map(dynamo),
      resources: [arns.table('state')],
      conditions: {
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': prefixes.map((prefix) => statePrefixes[prefix]) },
        // ForAllValues is also true of a request that names no key.
        Null: { 'dynamodb:LeadingKeys': 'false' },
      },
    }),
    stream: (name: TableName): readonly Grant[] => [
      {
        sid: 'ReadStream',
        actions: ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'].map(dynamo),
        resources: [arns.stream(name)],
      },
      { sid: 'KeepFailedRecords', actions: ['s3:PutObject'], resources: [`${arns.payloads}/aws/lambda/*`] },
      { sid: 'CheckBucket', actions: ['s3:ListBucket'], resources: [arns.payloads] },
    ],
    payloads: (...actions: readonly ('GetObject' | 'PutObject')[]): Grant => ({
      sid: 'Payloads',
      actions: actions.map((action) => `s3:${action}`),
      resources: [`${arns.payloads}/sha256/*`],
    }),
    send: (queue: Parameters<Arns['queue']>[0]): Grant => ({
      sid: `Send${queue.charAt(0).toUpperCase()}${queue.slice(1)}`,
      actions: ['sqs:SendMessage'],
      resources: [arns.queue(queue)],
    }),
    receive: (queue: Parameters<Arns['queue']>[0], more: readonly string[] = []): Grant => ({
      sid: `Receive${queue.charAt(0).toUpperCase()}${queue.slice(1)}`,
      actions: ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes', ...more].map((action) => `sqs:${action}`),
      resources: [arns.queue(queue)],
    }),
    refresh: (): Grant => ({
      sid: 'RefreshTokens',
      actions: ['lambda:InvokeFunction'],
      resources: [arns.refreshFunction],
    }),
    secrets: (sid: string, names: readonly string[], actions: readonly string[]): readonly Grant[] =>
      names.length === 0
        ? []
        : [{ sid, actions: actions.map((action) => `secretsmanager:${action}`), resources: names.map(arns.secret) }],
    /** The key is used through these services only, never by a call of our own. */
    kms: (...services: readonly KmsService[]): Grant => ({
      sid: 'UseKey',
      actions: services.includes('dynamodb') ? tableKeyActions : ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: [arns.key],
      conditions: { StringEquals: { 'kms:ViaService': services.map(arns.viaService) } },
    }),
  };
}

/** What DynamoDB asks of the caller of a table with a key of one's own. */
const tableKeyActions = [
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
];
