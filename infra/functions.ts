import type { EnvName } from '../shared/config/env.ts';

/** The name of a function: `functions/<name>.ts` and `dist/<name>/`. */
export type FunctionName =
  | 'agent-door'
  | 'webhook-door'
  | 'operator-door'
  | 'event-worker'
  | 'event-delivery'
  | 'action-worker'
  | 'file-drop'
  | 'source-keeper'
  | 'tick'
  | 'token-refresh'
  | 'ledger-stream'
  | 'router-stream'
  | 'dead-letter'
  | 'ledger-guard';

/** How one function runs. */
export type FunctionSpec = {
  readonly name: FunctionName;
  readonly does: string;
  /** Seconds after which Lambda ends it. */
  readonly timeoutS: number;
  readonly memoryMb: number;
  /** A folder of the project that is read beside the bundle. */
  readonly folder?: string;
  /** The variables it reads, beside STAGE; docs/architecture.md says what each is. */
  readonly env: readonly EnvName[];
};

const toolCalls = [
  'TABLE_ACTIONS',
  'TABLE_LEDGER',
  'TABLE_CASES',
  'TABLE_STATE',
  'TABLE_CONTROL',
  'PAYLOAD_BUCKET',
  'REFRESH_FUNCTION',
] as const;

/** Every Lambda of the product; functions/ holds exactly these entries, and docs/architecture.md says what calls each. */
export const functions: readonly FunctionSpec[] = [
  { name: 'agent-door', does: 'answers agents', timeoutS: 25, memoryMb: 512, env: toolCalls },
  {
    name: 'webhook-door',
    does: 'verifies and queues notifications',
    timeoutS: 10,
    memoryMb: 512,
    env: ['PAYLOAD_BUCKET', 'QUEUE_INBOX_URL', 'WEBHOOK_PUBLIC_URL'],
  },
  {
    name: 'operator-door',
    does: 'answers operators',
    timeoutS: 25,
    memoryMb: 512,
    folder: 'console',
    env: [
      'TABLE_ACTIONS',
      'TABLE_INBOX',
      'TABLE_LEDGER',
      'TABLE_CASES',
      'TABLE_STATE',
      'TABLE_CONTROL',
      'PAYLOAD_BUCKET',
      'QUEUE_INBOX_URL',
      'OPERATOR_ISSUER',
      'OPERATOR_AUDIENCE',
    ],
  },
  {
    name: 'event-worker',
    does: 'claims and processes events',
    timeoutS: 60,
    memoryMb: 512,
    env: [
      'TABLE_INBOX',
      'TABLE_LEDGER',
      'TABLE_CASES',
      'TABLE_STATE',
      'PAYLOAD_BUCKET',
      'QUEUE_INBOX_URL',
      'QUEUE_DELIVERIES_URL',
      'REFRESH_FUNCTION',
    ],
  },
  {
    name: 'event-delivery',
    does: 'tells agents of events',
    timeoutS: 60,
    memoryMb: 512,
    env: ['TABLE_STATE', 'TABLE_LEDGER', 'TABLE_CASES', 'QUEUE_DELIVERIES_URL'],
  },
  {
    name: 'action-worker',
    does: 'attempts due actions and settles unknown ones',
    timeoutS: 60,
    memoryMb: 512,
    env: toolCalls,
  },
  {
    name: 'source-keeper',
    does: 'asks for changes where no webhook tells them, and keeps subscriptions alive',
    timeoutS: 60,
    memoryMb: 512,
    env: [
      'TABLE_LEDGER',
      'TABLE_CASES',
      'TABLE_STATE',
      'PAYLOAD_BUCKET',
      'QUEUE_INBOX_URL',
      'REFRESH_FUNCTION',
      'WEBHOOK_PUBLIC_URL',
    ],
  },
  { name: 'file-drop', does: 'carries out the rows of dropped files', timeoutS: 60, memoryMb: 512, env: toolCalls },
  {
    name: 'tick',
    does: 'finds what is due',
    timeoutS: 55,
    memoryMb: 512,
    env: [
      'TABLE_ACTIONS',
      'TABLE_LEDGER',
      'TABLE_CASES',
      'TABLE_STATE',
      'TABLE_CONTROL',
      'QUEUE_ACTIONS_URL',
      'REFRESH_FUNCTION',
    ],
  },
  {
    name: 'token-refresh',
    does: 'refreshes tokens; the only reader of grants',
    timeoutS: 30,
    memoryMb: 512,
    env: ['TABLE_STATE', 'TABLE_CASES'],
  },
  {
    name: 'ledger-stream',
    does: 'writes transitions to the ledger',
    timeoutS: 30,
    memoryMb: 512,
    env: ['TABLE_LEDGER', 'PAYLOAD_BUCKET'],
  },
  {
    name: 'router-stream',
    does: 'opens cases, sends notices and hints what is due',
    timeoutS: 30,
    memoryMb: 512,
    env: ['TABLE_CASES', 'TABLE_LEDGER', 'QUEUE_ACTIONS_URL'],
  },
  {
    name: 'dead-letter',
    does: 'keeps dead messages and opens their case',
    timeoutS: 30,
    memoryMb: 512,
    env: ['TABLE_CASES', 'TABLE_LEDGER', 'PAYLOAD_BUCKET'],
  },
  { name: 'ledger-guard', does: 'counts changes of the ledger', timeoutS: 30, memoryMb: 256, env: [] },
];
