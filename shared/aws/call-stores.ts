import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type Env, readAwsEnv } from '../config/env.ts';
import type { Clock, Random } from '../model/clock.ts';
import { makeControlGate } from '../policy/control.ts';
import { dynamoActionStore } from './action-store.ts';
import { budgetStore } from './budget-store.ts';
import { dynamoCaseStore } from './case-store.ts';
import { controlStore } from './control-store.ts';
import { dynamoLedgerStore } from './ledger-store.ts';
import { s3PayloadStore } from './payload-store.ts';
import { resilienceStore } from './resilience-store.ts';

/** What the stores of a function that calls tools need from its composition root. */
export type CallStoresDeps = {
  readonly env: Env<
    'TABLE_ACTIONS' | 'TABLE_LEDGER' | 'TABLE_CASES' | 'TABLE_STATE' | 'TABLE_CONTROL' | 'PAYLOAD_BUCKET'
  >;
  readonly client: DynamoDBClient;
  readonly clock: Clock;
  readonly random: Random;
};

/** Every store a tool call or a later attempt of one goes through. One set a process: the control gate keeps its copy. */
export function awsCallStores({ env, client, clock, random }: CallStoresDeps) {
  const control = controlStore(client, env.TABLE_CONTROL);
  return {
    store: dynamoActionStore({ client, table: env.TABLE_ACTIONS }),
    ledger: dynamoLedgerStore({ client, table: env.TABLE_LEDGER }),
    cases: dynamoCaseStore({ client, table: env.TABLE_CASES, random }),
    shared: resilienceStore(client, env.TABLE_STATE, () => clock.now()),
    budgets: budgetStore(client, env.TABLE_STATE),
    payloads: s3PayloadStore({ bucket: env.PAYLOAD_BUCKET, env: readAwsEnv }),
    controlStore: control,
    control: makeControlGate({ store: control, clock }),
  };
}
