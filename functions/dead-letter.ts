import { dynamoCaseStore } from '../shared/aws/case-store.ts';
import { dynamoClient } from '../shared/aws/dynamo.ts';
import { dynamoLedgerStore } from '../shared/aws/ledger-store.ts';
import { s3PayloadStore } from '../shared/aws/payload-store.ts';
import { readAwsEnv, readEnv, readRuntimeConfig } from '../shared/config/env.ts';
import { keepDeadLetter } from '../shared/ledger/dead-letters.ts';
import { type BatchAnswer, eachAlone } from '../shared/ledger/project.ts';
import { systemClock as clock, systemRandom as random } from '../shared/model/clock.ts';
import { jsonLog } from '../shared/observe/json-log.ts';

const env = readEnv(['STAGE', 'TABLE_CASES', 'TABLE_LEDGER', 'PAYLOAD_BUCKET']);
const write = (line: string) => void process.stdout.write(`${line}\n`);
const client = dynamoClient();
const deps = {
  config: readRuntimeConfig(import.meta.url),
  cases: dynamoCaseStore({ client, table: env.TABLE_CASES, random }),
  ledger: dynamoLedgerStore({ client, table: env.TABLE_LEDGER }),
  payloads: s3PayloadStore({ bucket: env.PAYLOAD_BUCKET, env: readAwsEnv }),
  log: jsonLog({ clock, write, fields: { stage: env.STAGE, function: 'dead-letter' } }),
  clock,
};

type Letter = { readonly messageId: string; readonly body: string; readonly eventSourceARN: string };

/** Keeps each dead message and opens its case; what could not be kept stays in its queue. */
export const handler = (event: { readonly Records: readonly Letter[] }): Promise<BatchAnswer> =>
  eachAlone(
    event.Records,
    ({ messageId }) => messageId,
    ({ messageId, body, eventSourceARN: queueArn }) => keepDeadLetter(deps, { messageId, body, queueArn }),
    (fault) => deps.log.error('a dead letter could not be kept', {}, fault),
  );
