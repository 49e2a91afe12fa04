import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { execute } from '../../shared/action/execute.ts';
import { workOn } from '../../shared/action/resolve.ts';
import { dynamoActionStore } from '../../shared/aws/action-store.ts';
import { dynamoInboxStore } from '../../shared/aws/inbox-store.ts';
import { dynamoLedgerStore } from '../../shared/aws/ledger-store.ts';
import { httpClient } from '../../shared/http/client.ts';
import { systemClock as clock, systemRandom as random } from '../../shared/model/clock.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { type BatchDeps, type QueuedMessage, workBatch } from '../../shared/webhooks/work-batch.ts';
import { testIdentity, testKernel, testRequest } from '../kit/kernel.ts';
import { memoryCaseStore } from '../kit/memory-case-store.ts';
import { memoryPayloadStore } from '../kit/memory-payload-store.ts';

/** What a worker that is killed again and again works on. */
export type KilledWork = {
  readonly dynamo: {
    readonly endpoint: string;
    readonly actions: string;
    readonly inbox: string;
    readonly ledger: string;
  };
  readonly sqs: { readonly endpoint: string; readonly queueUrl: string };
  /** The business system: `POST /effects` adds one each time, `GET /effects/<event>` tells whether one is there. */
  readonly system: string;
};

/** Leases as short as a test wants to wait for: what a killed worker held is free again after this, milliseconds. */
const leaseMs = 1500;
const sendWithinMs = 1000;

/** The event worker and the worker of due actions in one process, over the real stores, queue and HTTP client, until it is killed. */
async function main({ dynamo, sqs, system }: KilledWork): Promise<never> {
  const client = new DynamoDBClient({ endpoint: dynamo.endpoint, maxAttempts: 3 });
  const queue = new SQSClient({ endpoint: sqs.endpoint, maxAttempts: 2 });
  const http = httpClient({ clock, local: true });
  const store = dynamoActionStore({ client, table: dynamo.actions });
  const ask = (method: 'GET' | 'POST', path: string, mayWrite?: () => boolean) =>
    http.send({
      ...{ origin: system, method, path, headers: {}, body: null, deadlineMs: clock.now() + sendWithinMs },
      ...(mayWrite ? { mayWrite } : {}),
    });
  const kernel = testKernel({
    ...{
      store,
      clock,
      random,
      limits: { leaseMs, skewMs: 100, maxAttempts: 1000, maxAgeMs: 86_400_000, maxProbes: 1000 },
    },
    attempt: async ({ record, mayWrite }) => {
      const result = await ask('POST', `/effects/${record.target[2]}`, mayWrite);
      const data = { id: record.target[2] };
      if (result.kind === 'answer' && result.answer.status === 200) return { kind: 'applied', data, records: [] };
      const error = { class: 'unknown_outcome', code: 'no_answer', message: '' } as const;
      return result.kind === 'not_sent'
        ? { kind: 'not_applied', error: { ...error, class: 'transient' } }
        : { kind: 'unknown', error };
    },
  });
  const probe = async (id: string) => {
    const result = await ask('GET', `/effects/${id}`);
    const error = { class: 'transient', code: 'no_answer', message: '' } as const;
    if (result.kind !== 'answer') return { kind: 'inconclusive', error } as const;
    return result.answer.status === 200
      ? ({ kind: 'equal', data: { id }, records: [] } as const)
      : ({ kind: 'absent' } as const);
  };
  const act = async (eventId: string): Promise<readonly string[]> => {
    const id = eventId.split('#')[2] ?? '';
    const event = { id: eventId, part: {} };
    const target = ['crm', 'note', id] as const;
    const identity = testIdentity({ occasion: 'event', event, target, identifying: {}, input: {} });
    const { outcome } = await execute(
      kernel,
      testRequest({
        ...{ identity, target, effect: 'append', before: null, deadlineMs: clock.now() + sendWithinMs },
        ...{
          resend: { kind: 'probe', settleMs: 200 },
          call: { operation: 'crm.notes.append', system: 'crm', input: { id } },
        },
      }),
    );
    // Only what is done is done: what waits for proof comes again, and finds the same action.
    if (outcome.kind === 'applied' || outcome.kind === 'replayed') return [`act_${identity.key}_1`];
    throw new Error(outcome.kind);
  };
  const deps: BatchDeps = {
    inbox: dynamoInboxStore({ client, table: dynamo.inbox }),
    ledger: dynamoLedgerStore({ client, table: dynamo.ledger }),
    ...{ cases: memoryCaseStore(), payloads: memoryPayloadStore(), tell: async () => {}, arrived: async () => {} },
    plan: async (message) => ({ kind: 'work', message, call: null, record: null }),
    reRead: async () => ({ kind: 'gone' }),
    handlers: [{ wants: () => true, handle: ({ eventId }) => act(eventId) }],
    ...{ ownerOf: () => 'revops', clock, random, log: silentLog, leaseMs },
    // What could not be done becomes visible again with the queue's own visibility timeout.
    delay: { retryIn: async () => {} },
  };
  void moveDue();
  for (;;) await workSome();

  async function workSome(): Promise<void> {
    const { Messages = [] } = await queue.send(
      new ReceiveMessageCommand({
        QueueUrl: sqs.queueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 1,
        VisibilityTimeout: 2,
      }),
    );
    const records = Messages.map(
      ({ MessageId = '', ReceiptHandle = '', Body = '' }): QueuedMessage => ({
        ...{ messageId: MessageId, receiptHandle: ReceiptHandle, body: Body },
        attributes: { ApproximateReceiveCount: '1' },
      }),
    );
    if (records.length === 0) return;
    const { batchItemFailures } = await workBatch(deps, records, clock.now() + 5000);
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    const Entries = records
      .filter(({ messageId }) => !failed.has(messageId))
      .map(({ receiptHandle }, i) => ({ Id: String(i), ReceiptHandle: receiptHandle }));
    if (Entries.length > 0) await queue.send(new DeleteMessageBatchCommand({ QueueUrl: sqs.queueUrl, Entries }));
  }

  /** What the tick and the action worker do: what is due moves one step. */
  async function moveDue(): Promise<never> {
    for (;;) {
      await clock.sleep(100);
      for (let shard = 0; shard < store.dueShards; shard += 1) {
        const due = await store.due({ shard, byMs: clock.now(), limit: 20 }).catch(() => []);
        for (const { key } of due) {
          const recheck = async () => ({ kind: 'go' }) as const;
          const probeFor =
            () =>
            ({ record }: { record: { target: readonly string[] } }) =>
              probe(record.target[2] ?? '');
          await workOn(kernel, { key, deadlineMs: clock.now() + sendWithinMs, recheck, probeFor }).catch(() => null);
        }
      }
    }
  }
}

await main(JSON.parse(process.argv[2] ?? '{}') as KilledWork);
