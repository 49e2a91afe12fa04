import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Env } from '../config/env.ts';
import type { Clock, Random } from '../model/clock.ts';
import { dynamoActionStore } from './action-store.ts';
import { dynamoCaseStore } from './case-store.ts';
import { controlStore } from './control-store.ts';
import { sqsDueQueue } from './due-queue.ts';
import { sqsClient } from './event-queue.ts';
import { dynamoLedgerStore } from './ledger-store.ts';
import { resilienceStore } from './resilience-store.ts';
import { dynamoSourceStore } from './source-store.ts';

/** What the stores of the tick need from its composition root. */
export type TickStoresDeps = {
  readonly env: Env<
    'TABLE_ACTIONS' | 'TABLE_LEDGER' | 'TABLE_CASES' | 'TABLE_STATE' | 'TABLE_CONTROL' | 'QUEUE_ACTIONS_URL'
  >;
  readonly client: DynamoDBClient;
  readonly clock: Clock;
  readonly random: Random;
};

/** Every store that the duties of a minute look at. */
export function awsTickStores({ env, client, clock, random }: TickStoresDeps) {
  return {
    actions: dynamoActionStore({ client, table: env.TABLE_ACTIONS }),
    queue: sqsDueQueue({ client: sqsClient(), queueUrl: env.QUEUE_ACTIONS_URL }),
    cases: dynamoCaseStore({ client, table: env.TABLE_CASES, random }),
    ledger: dynamoLedgerStore({ client, table: env.TABLE_LEDGER }),
    control: controlStore(client, env.TABLE_CONTROL),
    sources: dynamoSourceStore({ client, table: env.TABLE_STATE }),
    state: resilienceStore(client, env.TABLE_STATE, () => clock.now()),
  };
}
