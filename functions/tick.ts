import { queueDue } from '../shared/action/due-queue.ts';
import { awsCredentialCare } from '../shared/aws/credential-care.ts';
import { dynamoClient } from '../shared/aws/dynamo.ts';
import { awsTickStores } from '../shared/aws/tick-stores.ts';
import { readEnv, readRuntimeConfig } from '../shared/config/env.ts';
import { escalateOverdue } from '../shared/ledger/notices.ts';
import { watchWaiting } from '../shared/ledger/waiting-cases.ts';
import { systemClock as clock, systemRandom as random } from '../shared/model/clock.ts';
import { eachOf } from '../shared/observe/each-of.ts';
import { jsonLog } from '../shared/observe/json-log.ts';
import { ensureControl } from '../shared/policy/control.ts';
import { silentSources } from '../shared/webhooks/silence.ts';

const tables = ['TABLE_ACTIONS', 'TABLE_LEDGER', 'TABLE_CASES', 'TABLE_STATE', 'TABLE_CONTROL'] as const;
const env = readEnv([...tables, 'STAGE', 'QUEUE_ACTIONS_URL', 'REFRESH_FUNCTION', 'LOCAL_ORIGINS']);
const config = readRuntimeConfig(import.meta.url);
const write = (line: string) => void process.stdout.write(`${line}\n`);
const log = jsonLog({ clock, write, fields: { stage: env.STAGE, function: 'tick' } });
const client = dynamoClient();
const stores = { ...awsTickStores({ env, client, clock, random }), config, log, clock };
const care = awsCredentialCare({ ...stores, env, client });

/** Once a minute: what is due, overdue, waited for, silent, to be renewed or to be asked again. One that fails stops no other. */
export const handler = () =>
  eachOf(log, {
    control: () => ensureControl(stores.control),
    due: () => queueDue({ ...stores, store: stores.actions }, 200),
    waiting: () => watchWaiting(stores, clock.now()),
    cases: () => escalateOverdue(stores, clock.now()),
    silence: () => silentSources(stores, clock.now()),
    tokens: care.renew,
    credentials: care.check,
  });
