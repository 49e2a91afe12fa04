import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Env } from '../config/env.ts';
import type { PlumblineConfig } from '../config/schema.ts';
import type { Clock, Random } from '../model/clock.ts';
import { newId } from '../model/ids.ts';
import { breakerGuard } from '../resilience/breaker-guard.ts';
import { dynamoCaseStore } from './case-store.ts';
import { dynamoDeliveryStore } from './delivery-store.ts';
import { sqsClient, sqsEventQueue } from './event-queue.ts';
import { dynamoLedgerStore } from './ledger-store.ts';
import { resilienceStore } from './resilience-store.ts';
import { eventKeysOnDemand, secretValuesOnDemand } from './secret-values.ts';

/** What delivering keeps and reads on AWS. One a process. */
export function awsDeliveryStores(deps: {
  readonly env: Env<'TABLE_STATE' | 'TABLE_LEDGER' | 'TABLE_CASES' | 'QUEUE_DELIVERIES_URL'>;
  readonly config: Pick<PlumblineConfig, 'policies'>;
  readonly client: DynamoDBClient;
  readonly clock: Clock;
  readonly random: Random;
}) {
  const { env, config, client, clock, random } = deps;
  const secretsOf = secretValuesOnDemand(clock);
  const state = resilienceStore(client, env.TABLE_STATE, () => clock.now());
  return {
    deliveries: dynamoDeliveryStore({ client, table: env.TABLE_STATE }),
    ledger: dynamoLedgerStore({ client, table: env.TABLE_LEDGER }),
    cases: dynamoCaseStore({ client, table: env.TABLE_CASES, random }),
    breakers: breakerGuard({ store: state, clock, owner: newId('own', clock.now(), random) }),
    delay: sqsEventQueue({ client: sqsClient(), queueUrl: env.QUEUE_DELIVERIES_URL }),
    secretsOf,
    handleKeys: eventKeysOnDemand(secretsOf, config.policies.events?.handleSecret),
  };
}
