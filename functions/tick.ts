import { queueDue } from '../shared/action/due-queue.ts';
import { dynamoActionStore } from '../shared/aws/action-store.ts';
import { dynamoCaseStore } from '../shared/aws/case-store.ts';
import { controlStore } from '../shared/aws/control-store.ts';
import { awsCredentialCare } from '../shared/aws/credential-care.ts';
import { sqsDueQueue } from '../shared/aws/due-queue.ts';
import { dynamoClient } from '../shared/aws/dynamo.ts';
import { sqsClient } from '../shared/aws/event-queue.ts';
import { dynamoLedgerStore } from '../shared/aws/ledger-store.ts';
import { dynamoSourceStore } from '../shared/aws/source-store.ts';
import { readEnv, readRuntimeConfig } from '../shared/config/env.ts';
import { escalateOverdue } from '../shared/ledger/notices.ts';
import { systemClock as clock, systemRandom as random } from '../shared/model/clock.ts';
import { eachOf } from '../shared/observe/each-of.ts';
import { jsonLog } from '../shared/observe/json-log.ts';
import { ensureControl } from '../shared/policy/control.ts';
import { silentSources } from '../shared/webhooks/silence.ts';

const tables = ['TABLE_ACTIONS', 'TABLE_LEDGER', 'TABLE_CASES', 'TABLE_STATE', 'TABLE_CONTROL'] as const;
const env = readEnv([...tables, 'STAGE', 'QUEUE_ACTIONS_URL', 'REFRESH_FUNCTION', 'LOCAL_ORIGINS']);
const write = (line: string) => void process.stdout.write(`${line}\n`);
const log = jsonLog({ clock, write, fields: { stage: env.STAGE, function: 'tick' } });
const [config, client, state] = [readRuntimeConfig(import.meta.url), dynamoClient(), env.TABLE_STATE];
const store = dynamoActionStore({ client, table: env.TABLE_ACTIONS });
const queue = sqsDueQueue({ client: sqsClient(), queueUrl: env.QUEUE_ACTIONS_URL });
const ledger = dynamoLedgerStore({ client, table: env.TABLE_LEDGER });
const people = { cases: dynamoCaseStore({ client, table: env.TABLE_CASES, random }), ledger, config, log, clock };
const care = awsCredentialCare({ ...people, env, client });

/** Once a minute: what is due, overdue, silent, to be renewed or to be asked again. One that fails stops no other. */
export const handler = () =>
  eachOf(log, {
    control: () => ensureControl(controlStore(client, env.TABLE_CONTROL)),
    due: () => queueDue({ store, queue, clock }, 100),
    cases: () => escalateOverdue(people, clock.now()),
    silence: () => silentSources({ ...people, sources: dynamoSourceStore({ client, table: state }) }, clock.now()),
    tokens: care.renew,
    credentials: care.check,
  });
