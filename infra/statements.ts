import type { TableName } from '../shared/aws/tables.ts';

/** ARNs that grants name; tokens of the CDK, or plain text in a test. */
export type Arns = {
  readonly table: (name: TableName) => string;
  readonly stream: (name: TableName) => string;
  readonly payloads: string;
  readonly key: string;
  readonly queue: (name: QueueName) => string;
  readonly refreshFunction: string;
  /** The ARN of a secret by its name; Secrets Manager adds six characters of its own. */
  readonly secret: (name: string) => string;
  /** `dynamodb`, `s3` or `sqs` as KMS names the service that calls it. */
  readonly viaService: (service: KmsService) => string;
};

/** The queues of a stage. */
export type QueueName =
  | 'inbox'
  | 'actions'
  | 'deliveries'
  | 'inboxDead'
  | 'actionsDead'
  | 'deliveriesDead'
  | 'tickDead';

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
  credentials: 'credential#*',
  agentKeys: 'key#*',
  agentKeyLists: 'keys#*',
  breakers: 'breaker#*',
  rates: 'rate#*',
  waiting: 'waiting#*',
  answers: 'answer#*',
  budgets: 'budget#*',
  sources: 'source#*',
  deliveries: 'delivery#*',
  files: 'file#*',
  feeds: 'feed#*',
  subscriptions: 'subscription#*',
  endpoints: 'endpoint#*',
} as const;

type StatePrefix = keyof typeof statePrefixes;

const on = (service: string, actions: readonly string[]) => actions.map((action) => `${service}:${action}`);

const titled = (word: string) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`;

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

/** The statements that roles are made of; each names exact resources of one stage. */
export type Statements = ReturnType<typeof tableStatements> & ReturnType<typeof otherStatements>;

/** Makes the statements of one stage. */
export function statements(arns: Arns): Statements {
  return { ...tableStatements(arns), ...otherStatements(arns) };
}

function tableStatements(arns: Arns) {
  return {
    table: (sid: string, name: TableName, actions: readonly string[]): Grant => ({
      sid,
      actions: on('dynamodb', actions),
      resources: [arns.table(name)],
    }),
    queries: (name: TableName, names: readonly string[]): Grant => ({
      sid: `Query${titled(name)}`,
      actions: ['dynamodb:Query'],
      resources: names.map((index) => `${arns.table(name)}/index/${index}`),
    }),
    state: (sid: string, prefixes: readonly StatePrefix[], actions: readonly string[]): Grant => ({
      sid,
      actions: on('dynamodb', actions),
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
        actions: on('dynamodb', ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams']),
        resources: [arns.stream(name)],
      },
      { sid: 'KeepFailedRecords', actions: ['s3:PutObject'], resources: [`${arns.payloads}/aws/lambda/*`] },
      { sid: 'CheckBucket', actions: ['s3:ListBucket'], resources: [arns.payloads] },
    ],
  };
}

function otherStatements(arns: Arns) {
  return {
    payloads: (...actions: readonly ('GetObject' | 'PutObject')[]): readonly Grant[] => [
      { sid: 'Payloads', actions: on('s3', actions), resources: [`${arns.payloads}/sha256/*`] },
      // Without it S3 answers 403 for an object that was erased, which reads like a fault.
      ...(actions.includes('GetObject')
        ? [{ sid: 'TellMissing', actions: ['s3:ListBucket'], resources: [arns.payloads] }]
        : []),
    ],
    /** Reads what is dropped; `payloads` with GetObject may list the bucket. */
    drops: (): Grant => ({ sid: 'ReadFiles', actions: ['s3:GetObject'], resources: [`${arns.payloads}/files/*`] }),
    send: (queue: QueueName): Grant => ({
      sid: `Send${titled(queue)}`,
      actions: ['sqs:SendMessage'],
      resources: [arns.queue(queue)],
    }),
    receive: (queue: QueueName, more: readonly string[] = []): Grant => ({
      sid: `Receive${titled(queue)}`,
      actions: on('sqs', ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes', ...more]),
      resources: [arns.queue(queue)],
    }),
    refresh: (): Grant => ({
      sid: 'RefreshTokens',
      actions: ['lambda:InvokeFunction'],
      resources: [arns.refreshFunction],
    }),
    secrets: (sid: string, names: readonly string[], actions: readonly string[]): readonly Grant[] =>
      names.length === 0 ? [] : [{ sid, actions: on('secretsmanager', actions), resources: names.map(arns.secret) }],
    /** The key is used through these services only, never by a call of our own. */
    kms: (...services: readonly KmsService[]): Grant => ({
      sid: 'UseKey',
      actions: services.includes('dynamodb') ? tableKeyActions : ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: [arns.key],
      conditions: { StringEquals: { 'kms:ViaService': services.map(arns.viaService) } },
    }),
  };
}
