import { actionRecordFromItem } from '../shared/aws/action-store.ts';
import { dynamoCaseStore } from '../shared/aws/case-store.ts';
import { sqsDueQueue } from '../shared/aws/due-queue.ts';
import { dynamoClient, fromItem } from '../shared/aws/dynamo.ts';
import { sqsClient } from '../shared/aws/event-queue.ts';
import { dynamoLedgerStore } from '../shared/aws/ledger-store.ts';
import { readEnv, readRuntimeConfig } from '../shared/config/env.ts';
import { type BatchAnswer, changeOf, inOrder, type StreamRecord } from '../shared/ledger/project.ts';
import { routeChange } from '../shared/ledger/route-change.ts';
import { systemClock as clock, systemRandom as random } from '../shared/model/clock.ts';
import { jsonLog } from '../shared/observe/json-log.ts';

const env = readEnv(['STAGE', 'TABLE_CASES', 'TABLE_LEDGER', 'QUEUE_ACTIONS_URL']);
const write = (line: string) => void process.stdout.write(`${line}\n`);
const client = dynamoClient();
const deps = {
  config: readRuntimeConfig(import.meta.url),
  cases: dynamoCaseStore({ client, table: env.TABLE_CASES, random }),
  ledger: dynamoLedgerStore({ client, table: env.TABLE_LEDGER }),
  due: sqsDueQueue({ client: sqsClient(), queueUrl: env.QUEUE_ACTIONS_URL }),
  log: jsonLog({ clock, write, fields: { stage: env.STAGE, function: 'router-stream' } }),
  clock,
};
const decode = (image: Record<string, unknown>) => actionRecordFromItem(fromItem(image) ?? {});

/** Turns each change of an action into cases, notices and the hint of when it is due; a failed one is given back by its sequence number. */
export const handler = (event: { readonly Records: readonly StreamRecord[] }): Promise<BatchAnswer> =>
  inOrder(
    event.Records,
    (record) => record.dynamodb?.SequenceNumber ?? '',
    (record) => routeChange(deps, changeOf(record, decode)),
    (fault) => deps.log.error('a change could not be routed', {}, fault),
  );
