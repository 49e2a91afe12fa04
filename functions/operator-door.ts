import { fetchIssuerJson } from '../shared/auth/operators.ts';
import { dynamoActionStore } from '../shared/aws/action-store.ts';
import { dynamoApiKeyStore } from '../shared/aws/api-key-store.ts';
import { dynamoCaseStore } from '../shared/aws/case-store.ts';
import { controlStore } from '../shared/aws/control-store.ts';
import { dynamoClient } from '../shared/aws/dynamo.ts';
import { sqsClient, sqsEventQueue } from '../shared/aws/event-queue.ts';
import { dynamoInboxStore } from '../shared/aws/inbox-store.ts';
import { dynamoLedgerStore } from '../shared/aws/ledger-store.ts';
import { s3PayloadStore } from '../shared/aws/payload-store.ts';
import { resilienceStore } from '../shared/aws/resilience-store.ts';
import { dynamoCredentialStore, dynamoTokenStore } from '../shared/aws/token-store.ts';
import { readAwsEnv, readEnv, readRuntimeConfig } from '../shared/config/env.ts';
import { readConsole } from '../shared/ledger/operator-api/console.ts';
import { operatorDoor } from '../shared/ledger/operator-api/door.ts';
import { systemClock as clock, systemRandom as random } from '../shared/model/clock.ts';
import { jsonLog } from '../shared/observe/json-log.ts';
import { kernelLimits } from '../shared/tools/limits.ts';

const tables = ['TABLE_ACTIONS', 'TABLE_INBOX', 'TABLE_LEDGER', 'TABLE_CASES', 'TABLE_STATE', 'TABLE_CONTROL'] as const;
const env = readEnv([...tables, 'STAGE', 'PAYLOAD_BUCKET', 'QUEUE_INBOX_URL', 'OPERATOR_ISSUER', 'OPERATOR_AUDIENCE']);
const { OPERATOR_ISSUER: issuer, OPERATOR_AUDIENCE: audience, TABLE_STATE: state } = env;
const client = dynamoClient();
const write = (line: string) => void process.stdout.write(`${line}\n`);

/** Answers operators: the console's files, and the API behind their access token. */
export const handler = operatorDoor({
  operators: { issuer, audience, files: readConsole(import.meta.url), fetchJson: fetchIssuerJson },
  actions: dynamoActionStore({ client, table: env.TABLE_ACTIONS }),
  ...{ tokens: dynamoTokenStore(client, state), credentials: dynamoCredentialStore(client, state) },
  ...{ config: readRuntimeConfig(import.meta.url), control: controlStore(client, env.TABLE_CONTROL) },
  cases: dynamoCaseStore({ client, table: env.TABLE_CASES, random }),
  ledger: dynamoLedgerStore({ client, table: env.TABLE_LEDGER }),
  payloads: s3PayloadStore({ bucket: env.PAYLOAD_BUCKET, env: readAwsEnv }),
  inbox: dynamoInboxStore({ client, table: env.TABLE_INBOX }),
  ...{ keys: dynamoApiKeyStore({ client, table: state }), breakers: resilienceStore(client, state, clock.now) },
  events: sqsEventQueue({ client: sqsClient(), queueUrl: env.QUEUE_INBOX_URL }),
  log: jsonLog({ clock, write, fields: { stage: env.STAGE, function: 'operator-door' } }),
  ...{ limits: kernelLimits, clock, random },
});
